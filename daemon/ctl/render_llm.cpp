// What models cost.
#include <fmt/format.h>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

std::string tokens(const Json& json, const char* key) { return human_count(count_of(json, key)); }

}  // namespace

std::string money(std::uint64_t millionths) {
  return fmt::format("{:.4f}", static_cast<double>(millionths) / 1e6);
}

std::string llm_usage(const Json& reply, const Look& look) {
  const Json& days = list_of(reply, "days");
  if (days.empty()) return "no model was asked yet\n";
  const std::vector<Column> columns = {{"DAY (UTC)", Align::Left, false}, {"JOB", Align::Left, true},
                                       {"REQUESTS", Align::Right, false}, {"AMBIGUOUS", Align::Right, false},
                                       {"INPUT", Align::Right, false},    {"OUTPUT", Align::Right, false},
                                       {"COST", Align::Right, false}};
  std::vector<Row> rows;
  for (const Json& day : days) {
    Row row;
    for (std::string text : {text_of(day, "day"), text_of(day, "job"), tokens(day, "requests"),
                             tokens(day, "ambiguous"), tokens(day, "input_tokens"),
                             tokens(day, "output_tokens"), money(count_of(day, "cost_millionths"))}) {
      row.cells.push_back({std::move(text), ""});
    }
    rows.push_back(std::move(row));
  }
  return table(columns, rows, look.width);
}

std::string llm_ambiguous(const Json& reply, const Look& look) {
  const Json& requests = list_of(reply, "requests");
  if (requests.empty()) return "the fate of every request is known\n";
  const std::vector<Column> columns = {{"ID", Align::Right, false},     {"JOB", Align::Left, true},
                                       {"SENT", Align::Left, false},    {"MODEL", Align::Left, true},
                                       {"TOKENS", Align::Right, false}, {"COST", Align::Right, false}};
  std::vector<Row> rows;
  for (const Json& request : requests) {
    const auto sent = time_of(request, "sent_us");
    Row row;
    for (std::string text :
         {fmt::format("{}", count_of(request, "id")), text_of(request, "job"),
          sent ? relative(*sent, look.now) : "-", text_of(request, "model"),
          human_count(count_of(request, "input_tokens") + count_of(request, "output_tokens")),
          money(count_of(request, "cost_millionths"))}) {
      row.cells.push_back({std::move(text), ""});
    }
    row.below = text_of(request, "why");
    rows.push_back(std::move(row));
  }
  return table(columns, rows, look.width);
}

}  // namespace syncd::ctl
