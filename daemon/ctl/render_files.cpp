// What a job knows about its files.
#include <fmt/format.h>

#include "daemon/ctl/members.hpp"
#include "daemon/ctl/render.hpp"
#include "daemon/ctl/table.hpp"

namespace syncd::ctl {
namespace {

using control::Json;

bool known(const Json& file, const char* member) {
  const auto found = file.find(member);
  return found != file.end() && found->is_number_unsigned();
}

std::string lag(const Json& file) {
  if (!known(file, "lag_bytes")) return "unknown";
  const std::uint64_t bytes = count_of(file, "lag_bytes");
  if (bytes == 0) return "0";
  std::string text = human_size(bytes);
  if (known(file, "lag_us")) {
    text += ", " + human_duration(std::chrono::microseconds(count_of(file, "lag_us")));
  }
  return text;
}

std::string below(const Json& file) {
  std::string text = text_of(file, "state");
  const std::string now = text_of(file, "now");
  if (!now.empty() && now != text_of(file, "file")) text += "; now " + now;
  for (const char* what : {"truncated", "split", "skipped"}) {
    const std::uint64_t lines = count_of(file, what);
    if (lines != 0) text += fmt::format("; {} {}", counted(lines, "long line"), what);
  }
  const std::string identity = text_of(file, "identity");
  return identity.empty() ? text : text + "; " + identity;
}

}  // namespace

std::string file_table(const Json& reply, const Look& look) {
  const Json& files = list_of(reply, "files");
  if (files.empty()) return "no file was found yet\n";
  const std::vector<Column> columns = {
      {"FILE", Align::Left, true}, {"OFFSET", Align::Right}, {"SIZE", Align::Right}, {"LAG", Align::Right}};
  std::vector<Row> rows;
  for (const Json& file : files) {
    const bool read = !text_of(file, "identity").empty();
    Row row;
    row.cells.push_back({text_of(file, "file"), ""});
    row.cells.push_back({read ? human_count(count_of(file, "offset")) : "-", ""});
    row.cells.push_back({read ? human_size(count_of(file, "size")) : "-", ""});
    row.cells.push_back({read ? lag(file) : "-", ""});
    row.below = below(file);
    rows.push_back(std::move(row));
  }
  std::string out = table(columns, rows, look.width);
  const std::uint64_t total = count_of(reply, "total");
  if (total > files.size()) out += fmt::format("the first {} of {}\n", files.size(), human_count(total));
  return out;
}

}  // namespace syncd::ctl
