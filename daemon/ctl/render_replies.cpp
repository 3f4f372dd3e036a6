// The replies that have no type of their own here: shown member by member, straight from the JSON.
#include <fmt/format.h>

#include <array>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

// In words, and below them the token that `checkpoint set` takes.
void add_positions(std::string& out, const char* holder, const Json& positions) {
  for (const Json& position : positions) {
    const std::string partition = text_of(position, "partition");
    const std::string text = text_of(position, "text");
    out += fmt::format("  {:<7}{}{}\n", holder, partition.empty() ? "" : partition + ": ",
                       text_of(position, "words"));
    if (!text.empty()) out += fmt::format("  {:<7}{}\n", "", text);
  }
  if (positions.empty()) out += fmt::format("  {:<7}none\n", holder);
}

}  // namespace

std::string run_result(const std::string& job, const Json& result) {
  std::string text =
      fmt::format("{}: {}: {}, {}", escaped(job), text_of(result, "outcome"),
                  counted(count_of(result, "rows"), "row"), human_size(count_of(result, "bytes")));
  const auto started = time_of(result, "started_us");
  const auto ended = time_of(result, "ended_us");
  if (started && ended) text += " in " + human_duration(*ended - *started);
  if (count_of(result, "attempts") > 1) text += fmt::format(", {} attempts", count_of(result, "attempts"));
  const std::string error = text_of(result, "error");
  if (!error.empty()) text += ": " + error;
  return text + '\n';
}

std::string findings(const Json& findings, const Look& look) {
  std::string out;
  std::array<std::size_t, 2> counts{};
  for (const Json& finding : findings) {
    const std::string level = text_of(finding, "level");
    std::string colour;
    if (level == "error") ++counts[0], colour = "\033[31m";
    if (level == "warning") ++counts[1], colour = "\033[33m";
    const std::string place = text_of(finding, "place");
    if (!place.empty()) out += place + ": ";
    out += coloured(level, look.colour ? colour : "") + ": " + text_of(finding, "text") + '\n';
    const std::string remedy = text_of(finding, "remedy");
    if (!remedy.empty()) out += wrapped(remedy, look.width, 4);
  }
  if (counts[0] == 0 && counts[1] == 0) return out + "no errors\n";
  return out + fmt::format("{}, {}\n", counted(counts[0], "error"), counted(counts[1], "warning"));
}

std::string explanation(const Json& reply, const Look& look) {
  std::string out;
  for (const Json& line : list_of(reply, "lines")) {
    if (!line.is_string()) continue;
    const std::string text = wrapped(escaped(line.get<std::string>()), look.width, out.empty() ? 0 : 2);
    out += text;
  }
  return out;
}

std::string checkpoint(const Json& reply, const Look& look) {
  const bool sink_holds = flag_of(reply, "sink_holds");
  const std::string error = text_of(reply, "sink_error");
  std::string out = text_of(reply, "job");
  if (!error.empty()) {
    out += ": the sink cannot be asked: " + error + '\n';
  } else if (!sink_holds) {
    out += ": the sink holds no position; the local one counts\n";
  } else {
    out += ": the sink holds the position; the local one is a copy\n";
    add_positions(out, "sink", list_of(reply, "sink"));
  }
  if (sink_holds && list_of(reply, "local") == list_of(reply, "sink")) {
    out += fmt::format("  {:<7}the same\n", "local");
  } else {
    add_positions(out, "local", list_of(reply, "local"));
  }
  const Json& previous = object_of(reply, "previous");
  if (const auto time = time_of(previous, "time_us")) {
    out += fmt::format("before the {} ({}); `syncctl checkpoint undo {}` brings it back\n",
                       text_of(previous, "change"), relative(*time, look.now), text_of(reply, "job"));
    add_positions(out, "was", list_of(previous, "positions"));
  }
  return out;
}

std::string dead_letters(const Json& reply, const Look& look) {
  const Json& letters = list_of(reply, "letters");
  const std::uint64_t total = count_of(reply, "total");
  if (total == 0 && letters.empty()) return "no dead letters\n";
  std::string out;
  for (const Json& letter : letters) {
    const auto time = time_of(letter, "time_us");
    out += fmt::format("{}  {}{}\n    {}\n", count_of(letter, "id"),
                       time ? relative(*time, look.now) + ": " : std::string(), text_of(letter, "error"),
                       text_of(letter, "record"));
  }
  if (letters.size() < total) out += fmt::format("the newest {} of {}\n", letters.size(), human_count(total));
  return out;
}

std::string cleared(const std::string& job, const Json& reply) {
  const std::uint64_t count = count_of(reply, "cleared");
  return fmt::format("{}: {} dead letter{} forgotten\n", escaped(job), human_count(count),
                     count == 1 ? "" : "s");
}

}  // namespace syncd::ctl
