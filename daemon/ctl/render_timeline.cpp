// What runs when, and by which configuration.
#include <fmt/format.h>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

// "2026-03-01 10:00:00Z": a history is read by the second.
std::string utc(WallTime time) {
  std::string text = rfc3339(time);
  text.replace(10, 1, " ");
  return text.substr(0, 19) + "Z";
}

std::string outcome_colour(const std::string& outcome, const Look& look) {
  if (!look.colour) return "";
  if (outcome == "succeeded") return "\033[32m";
  if (outcome == "failed" || outcome == "interrupted") return "\033[31m";
  return outcome == "running" ? "" : "\033[33m";
}

// How much later than planned it began; "-" where that is not worth a word.
std::string delay(const Json& entry) {
  const auto planned = time_of(entry, "planned_us");
  const auto started = time_of(entry, "started_us");
  if (!planned || !started || *started - *planned < std::chrono::seconds(1)) return "-";
  return human_duration(*started - *planned);
}

std::string took(const Json& entry) {
  const auto started = time_of(entry, "started_us");
  const auto ended = time_of(entry, "ended_us");
  return started && ended ? human_duration(*ended - *started) : "-";
}

Row history_row(const Json& entry, const Look& look) {
  const std::string outcome = text_of(entry, "outcome");
  const bool ran = time_of(entry, "started_us").has_value();
  const auto number = [&](std::string text) { return ran ? std::move(text) : std::string("-"); };
  Row row;
  const auto planned = time_of(entry, "planned_us");
  row.cells.push_back({planned ? utc(*planned) : "-", ""});
  row.cells.push_back({text_of(entry, "job"), ""});
  const std::uint64_t occurrences = count_of(entry, "occurrences");
  const std::string times = occurrences > 1 ? fmt::format(" x{}", human_count(occurrences)) : "";
  row.cells.push_back({outcome + times, outcome_colour(outcome, look)});
  row.cells.push_back({delay(entry), ""});
  row.cells.push_back({took(entry), ""});
  row.cells.push_back({number(human_count(count_of(entry, "rows"))), ""});
  row.cells.push_back({number(human_size(count_of(entry, "bytes"))), ""});
  row.cells.push_back({number(fmt::format("{}", count_of(entry, "attempts"))), ""});
  row.cells.push_back({text_of(entry, "cause"), ""});
  row.below = text_of(entry, "reason");
  if (const auto until = time_of(entry, "until_us"); until && occurrences > 1) {
    row.below += " (until " + utc(*until) + ")";
  }
  return row;
}

// "users (schedule, sink.ttl)".
std::string with_keys(const Json& item) {
  std::string keys;
  for (const Json& key : list_of(item, "keys")) {
    if (key.is_string()) keys += (keys.empty() ? "" : ", ") + escaped(key.get<std::string>());
  }
  return text_of(item, "name") + (keys.empty() ? "" : " (" + keys + ")");
}

void add_items(std::string& out, const Json& items, const char* prefix, const Look& look) {
  const auto add = [&](const char* sign, const char* colour, const char* list, const char* while_running) {
    for (const Json& item : list_of(items, list)) {
      out += coloured(sign, look.colour ? colour : "") + fmt::format(" {}{}", prefix, with_keys(item));
      if (flag_of(item, "running")) out += fmt::format(": {}", while_running);
      out += '\n';
    }
  };
  add("+", "\033[32m", "added", "");
  add("-", "\033[31m", "removed", "the run under way ends first");
  add("~", "\033[33m", "changed", "the run under way ends as it was configured");
}

void add_keys(std::string& out, const Json& keys, const char* what) {
  for (const Json& key : keys) {
    if (key.is_string()) out += fmt::format("~ {}{}\n", escaped(key.get<std::string>()), what);
  }
}

}  // namespace

std::string coming(const Json& reply, const Look& look) {
  std::vector<Row> rows;
  for (const Json& occurrence : list_of(reply, "occurrences")) {
    const auto at = time_of(occurrence, "at_us");
    Row row;
    row.cells.push_back({at ? relative(*at, look.now) : "-", ""});
    row.cells.push_back({text_of(occurrence, "local"), ""});
    row.cells.push_back({text_of(occurrence, "zone"), ""});
    row.cells.push_back({text_of(occurrence, "job"), ""});
    row.below = text_of(occurrence, "note");
    rows.push_back(std::move(row));
  }
  std::string out;
  if (!rows.empty()) {
    const std::vector<Column> columns = {{"WHEN", Align::Left, false},
                                         {"WALL CLOCK", Align::Left, false},
                                         {"ZONE", Align::Left, true},
                                         {"JOB", Align::Left, true}};
    out = table(columns, rows, look.width);
  }
  for (const Json& none : list_of(reply, "without")) {
    out += wrapped(fmt::format("{}: {}", text_of(none, "job"), text_of(none, "reason")), look.width, 0);
  }
  return out.empty() ? "no jobs are configured\n" : out;
}

std::string history(const Json& reply, const Look& look) {
  const Json& entries = list_of(reply, "entries");
  if (entries.empty()) return "nothing in the history\n";
  std::vector<Column> columns = {
      {"PLANNED", Align::Left, false}, {"JOB", Align::Left, true},     {"OUTCOME", Align::Left, false},
      {"LATE", Align::Right, false},   {"TOOK", Align::Right, false},  {"ROWS", Align::Right, false},
      {"SIZE", Align::Right, false},   {"TRIES", Align::Right, false}, {"CAUSE", Align::Left, true}};
  std::vector<Row> rows;
  for (const Json& entry : entries) rows.push_back(history_row(entry, look));
  return table(columns, rows, look.width);
}

std::string difference(const Json& reply, bool dry_run, const Look& look) {
  std::string out;
  add_items(out, object_of(reply, "connections"), "connection ", look);
  add_items(out, object_of(reply, "jobs"), "", look);
  add_keys(out, list_of(reply, "settings"), "");
  add_keys(out, list_of(reply, "restart"), ": takes effect when syncd is restarted");
  const bool nothing = out.empty();
  const std::uint64_t unchanged = count_of(object_of(reply, "jobs"), "unchanged");
  const char* done = "reloaded";
  if (nothing)
    done = "nothing has changed";
  else if (dry_run)
    done = "nothing was changed (--dry-run)";
  return out + fmt::format("{}; {} unchanged\n", done, counted(unchanged, "job"));
}

}  // namespace syncd::ctl
