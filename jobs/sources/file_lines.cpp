#include "jobs/sources/file_lines.hpp"

#include <algorithm>
#include <cstring>

namespace syncd::jobs {

LineFormat::LineFormat(Encoding encoding_in, const std::optional<std::string>& delimiter_in,
                       std::size_t max_line_in, LongLine on_long_in)
    : encoding(encoding_in),
      delimiter(encoded(encoding_in, delimiter_in.value_or("\n"))),
      carriage_return(delimiter_in ? "" : encoded(encoding_in, "\r")),
      max_line(max_line_in),
      on_long(on_long_in) {}

// Made in place: this is what reading costs.
std::optional<Line> LineCutter::next(const FileWindow& window) {
  std::optional<Line> line;
  const std::uint64_t found = find(window);
  if (found == kNowhere) {
    line = overflow(window);
  } else {
    finish(window, without_return(window, found), found + format_->delimiter.size(), line.emplace());
  }
  return line;
}

std::optional<Line> LineCutter::rest(const FileWindow& window) {
  std::optional<Line> line;
  scanned_ = window.end();
  if (begin_ != scanned_) finish(window, scanned_, scanned_, line.emplace());
  return line;
}

// Where the text ends of the line whose delimiter is at `end`.
std::uint64_t LineCutter::without_return(const FileWindow& window, std::uint64_t end) const {
  const std::string_view cr = format_->carriage_return;
  if (cr.empty() || end - begin_ < cr.size() || end - cr.size() < window.begin()) return end;
  const char* last = window.at(end - cr.size());
  // Mostly there is none, and one byte tells.
  const bool there = *last == cr[0] && std::string_view(last, cr.size()) == cr;
  return there ? end - cr.size() : end;
}

// Looks from scanned_ on; leaves it at the delimiter, or where one may still begin.
std::uint64_t LineCutter::find(const FileWindow& window) {
  const std::string& delimiter = format_->delimiter;
  const std::size_t unit = unit_size(format_->encoding);
  while (scanned_ < window.end()) {
    const std::string_view left = window.bytes(scanned_, window.end());
    const void* found = delimiter.size() == 1
                            ? std::memchr(left.data(), delimiter[0], left.size())
                            : ::memmem(left.data(), left.size(), delimiter.data(), delimiter.size());
    if (found == nullptr) break;
    scanned_ += static_cast<std::uint64_t>(static_cast<const char*>(found) - left.data());
    // The second half of one character and the first of the next are no delimiter.
    if ((scanned_ & (unit - 1)) == 0) return scanned_;
    ++scanned_;
  }
  scanned_ = std::max(scanned_, window.end() - std::min(window.end(), delimiter.size() - 1));
  return kNowhere;
}

// `line` becomes [begin_, end), or its first piece.
void LineCutter::finish(const FileWindow& window, std::uint64_t end, std::uint64_t next, Line& line) {
  line.begin = begin_;
  line.next = next;
  if (overlong_) {
    line.text = kept_;
    line.in_window = false;
    line.cut = format_->on_long == LongLine::Skip ? Cut::Skipped : Cut::Truncated;
    overlong_ = false;
  } else if (end - begin_ <= format_->max_line) {
    line.text = window.bytes(begin_, end);
  } else {
    const std::uint64_t cut = first_cut(window, end);
    line.text = window.bytes(begin_, cut);
    switch (format_->on_long) {
      case LongLine::Truncate:
        line.cut = Cut::Truncated;
        break;
      case LongLine::Skip:
        line.cut = Cut::Skipped;
        line.text = {};
        break;
      case LongLine::Split:
        // scanned_ stays at the delimiter.
        line.cut = Cut::Split;
        line.next = begin_ = cut;
        return;
    }
  }
  begin_ = scanned_ = next;
}

// No delimiter is in sight: is the line too long already, whatever follows?
std::optional<Line> LineCutter::overflow(const FileWindow& window) {
  const std::uint64_t most =
      format_->max_line + format_->delimiter.size() + format_->carriage_return.size() - 1;
  if (overlong_ || window.end() - begin_ <= most) return std::nullopt;
  const std::uint64_t cut = first_cut(window, window.end());
  if (format_->on_long == LongLine::Split) {
    Line line;
    line.begin = begin_;
    line.text = window.bytes(begin_, cut);
    line.cut = Cut::Split;
    line.next = begin_ = cut;
    return line;
  }
  overlong_ = true;
  kept_.clear();
  if (format_->on_long == LongLine::Truncate) kept_ = window.bytes(begin_, cut);
  return std::nullopt;
}

std::uint64_t LineCutter::first_cut(const FileWindow& window, std::uint64_t end) const {
  return begin_ + cut_at_character(format_->encoding, window.bytes(begin_, end), format_->max_line);
}

}  // namespace syncd::jobs
