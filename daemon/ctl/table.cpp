#include "daemon/ctl/table.hpp"

#include <algorithm>
#include <numeric>

#include "daemon/base/escape.hpp"

namespace syncd::ctl {
namespace {

constexpr std::size_t kGap = 2;
constexpr std::size_t kShortest = 8;

// The byte after the first `count` code points.
std::size_t byte_after(std::string_view text, std::size_t count) {
  std::size_t at = 0;
  while (count-- > 0 && at < text.size()) at += std::max<std::size_t>(utf8_length(text.substr(at)), 1);
  return std::min(at, text.size());
}

std::vector<std::size_t> natural(const std::vector<Column>& columns, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    std::size_t width = columns_of(columns[i].head);
    for (const Row& row : rows) width = std::max(width, columns_of(row.cells[i].text));
    widths.push_back(width);
  }
  return widths;
}

std::size_t total(const std::vector<std::size_t>& widths) {
  return std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + kGap * (widths.size() - 1);
}

void shrink(const std::vector<Column>& columns, std::vector<std::size_t>& widths, std::size_t width) {
  for (std::size_t i = columns.size(); i-- > 0 && total(widths) > width;) {
    if (!columns[i].shrinks || widths[i] <= kShortest) continue;
    const std::size_t spare = widths[i] - kShortest;
    widths[i] -= std::min(spare, total(widths) - width);
  }
}

// Cells that would begin beyond the width are left out.
std::string line(const std::vector<Column>& columns, const std::vector<std::size_t>& widths, const Row& row,
                 std::size_t width) {
  std::string out;
  std::size_t used = 0;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const std::size_t gap = i == 0 ? 0 : kGap;
    if (used + gap >= width) break;
    const std::size_t room = std::min(widths[i], width - used - gap);
    const std::string text = cut(row.cells[i].text, room);
    const std::string padding(room - columns_of(text), ' ');
    out.append(gap, ' ');
    if (columns[i].align == Align::Right) out += padding;
    out += coloured(text, row.cells[i].colour);
    if (columns[i].align == Align::Left) out += padding;
    used += gap + room;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out + '\n';
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    at += std::max<std::size_t>(utf8_length(text.substr(at)), 1);
  }
  return count;
}

std::string cut(std::string_view text, std::size_t width) {
  if (columns_of(text) <= width) return std::string(text);
  if (width == 0) return {};
  return std::string(text.substr(0, byte_after(text, width - 1))) + "…";
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  const std::size_t room = std::max<std::size_t>(width > indent ? width - indent : 0, kShortest);
  std::string out;
  while (!text.empty()) {
    std::size_t end = byte_after(text, room);
    if (end < text.size()) {
      const std::size_t blank = text.rfind(' ', end);
      if (blank != std::string_view::npos && blank > 0) end = blank;
    }
    out.append(indent, ' ').append(text.substr(0, end)).append("\n");
    text.remove_prefix(end);
    while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  }
  return out;
}

std::string coloured(std::string_view text, std::string_view colour) {
  if (colour.empty()) return std::string(text);
  return std::string(colour).append(text).append("\033[0m");
}

bool fits(const std::vector<Column>& columns, const std::vector<Row>& rows, std::size_t width) {
  return total(natural(columns, rows)) <= width;
}

std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows, std::size_t width) {
  std::vector<std::size_t> widths = natural(columns, rows);
  shrink(columns, widths, width);
  Row head;
  for (const Column& column : columns) head.cells.push_back({column.head, ""});
  std::string out = line(columns, widths, head, width);
  for (const Row& row : rows) {
    out += line(columns, widths, row, width);
    out += wrapped(row.below, width, 4);
  }
  return out;
}

}  // namespace syncd::ctl
