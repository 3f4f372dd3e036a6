// What a job would do, does, and has said.
#include <fmt/format.h>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

// The texts of a list, escaped.
std::vector<std::string> texts_of(const Json& json, const char* key) {
  std::vector<std::string> all;
  for (const Json& each : list_of(json, key)) {
    if (each.is_string()) all.push_back(escaped(each.get<std::string>()));
  }
  return all;
}

std::string questions(const Json& reply, const Look& look) {
  const Json& all = list_of(reply, "questions");
  if (all.empty()) return {};
  const std::vector<Column> columns = {{"QUESTION", Align::Left, false}, {"MODEL", Align::Left, true},
                                       {"INPUT", Align::Right, false},   {"OUTPUT", Align::Right, false},
                                       {"COST", Align::Right, false},    {"", Align::Left, false}};
  std::vector<Row> rows;
  std::uint64_t unknown = 0, cost = 0;
  for (const Json& question : all) {
    const bool answered = flag_of(question, "answered");
    if (!answered) {
      ++unknown;
      cost += count_of(question, "cost_millionths");
    }
    Row row;
    for (std::string text :
         {text_of(question, "unit").substr(0, 8), text_of(question, "model"),
          human_count(count_of(question, "input_tokens")), human_count(count_of(question, "output_tokens")),
          money(count_of(question, "cost_millionths")),
          std::string(answered ? "answered before: free" : "at most")}) {
      row.cells.push_back({std::move(text), ""});
    }
    rows.push_back(std::move(row));
  }
  return table(columns, rows, look.width) +
         fmt::format("{} to a model would be sent, for {} at most; none was\n", counted(unknown, "question"),
                     money(cost));
}

}  // namespace

// A command may be longer than the terminal is wide: it is not cut, or it would not be the exact one.
std::string dry_run(const Json& reply, const Look& look) {
  std::string out;
  const std::vector<std::string> from = texts_of(reply, "from");
  if (from.empty()) out += "from the beginning\n";
  for (const std::string& position : from) out += "from " + position + '\n';
  for (const std::string& write : texts_of(reply, "writes")) out += write + '\n';
  for (const Json& bad : list_of(reply, "bad")) {
    out += fmt::format("{}: {}\n    {}\n", coloured("bad record", look.colour ? "\033[31m" : ""),
                       text_of(bad, "error"), text_of(bad, "record"));
  }
  out += questions(reply, look);
  for (const std::string& note : texts_of(reply, "notes")) out += wrapped("note: " + note, look.width, 0);
  return out + fmt::format("{} read, {} would be written; nothing was\n",
                           counted(count_of(reply, "read"), "row"), human_count(count_of(reply, "rows")));
}

// Line by line: the ends of lines are the model's own, everything else is escaped.
std::string followed(const Json& piece, std::string& last) {
  const std::string answer = text_of(piece, "answer");
  const std::string kind = text_of(piece, "kind");
  std::string out;
  if (answer != last) {
    if (!last.empty()) out += '\n';
    if (!answer.empty()) out += "[" + answer + "] ";
    last = answer;
  }
  if (kind == "text") {
    const auto found = piece.find("text");
    std::string_view rest;
    if (found != piece.end() && found->is_string()) rest = found->get_ref<const std::string&>();
    for (auto end = rest.find('\n'); end != std::string_view::npos; end = rest.find('\n')) {
      out += escaped(rest.substr(0, end)) + "\n";
      rest.remove_prefix(end + 1);
    }
    return out + escaped(rest);
  }
  if (kind == "record") out += text_of(piece, "text");
  if (kind == "skipped") out += "-- " + text_of(piece, "text") + " more records passed than are shown";
  if (kind == "step") out += "-- " + text_of(piece, "text");
  if (kind == "again") out += "asking again: " + text_of(piece, "text");
  if (kind == "ended") {
    const std::string why = text_of(piece, "text");
    out += why.empty() ? "the run has ended" : "the run has failed: " + why;
  }
  if (kind == "failed") out += "failed: " + text_of(piece, "text");
  if (kind == "lost") out += text_of(piece, "text") + " pieces lost: this terminal is too slow";
  last.clear();
  return out + "\n";
}

// As the daemon writes it to a terminal.  A line is never cut: its end may be what is looked for.
std::string log_line(const Json& line, const Look& look) {
  const std::string level = text_of(line, "level");
  const std::string job = text_of(line, "job");
  const char* colour = level == "error" ? "\033[31m" : level == "warn" ? "\033[33m" : "";
  return fmt::format("{} {} {}{}\n", rfc3339(time_of(line, "time_us").value_or(WallTime())),
                     coloured(fmt::format("{:<5}", level), look.colour ? colour : ""),
                     job.empty() ? "" : "[" + job + "] ", text_of(line, "text"));
}

}  // namespace syncd::ctl
