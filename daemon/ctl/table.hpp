// Text in columns: widths in characters of a terminal (code points; no wide scripts), cut with "…".
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace syncd::ctl {

enum class Align { Left, Right };

struct Column {
  std::string head;
  Align align = Align::Left;
  bool shrinks = false;  // may be cut to 8 characters where the width is short
};

struct Cell {
  std::string text;    // escaped already
  std::string colour;  // an SGR sequence, or ""
};

struct Row {
  std::vector<Cell> cells;
  std::string below;  // wrapped below the row, indented; "" for nothing
};

// Code points of valid UTF-8.
std::size_t columns_of(std::string_view text);
// At most `width` columns; the last is "…" where something was cut.
std::string cut(std::string_view text, std::size_t width);
// Broken at blanks into lines of at most `width` columns, each after `indent` blanks; long words are broken.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);
std::string coloured(std::string_view text, std::string_view colour);

// Whether the table fits without cutting.
bool fits(const std::vector<Column>& columns, const std::vector<Row>& rows, std::size_t width);
std::string table(const std::vector<Column>& columns, const std::vector<Row>& rows, std::size_t width);

}  // namespace syncd::ctl
