// LineCutter: finds the lines in the bytes of a file, whatever pieces they come in: the lines and their
// offsets depend on the bytes alone.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "jobs/sources/file_encoding.hpp"
#include "jobs/sources/file_window.hpp"

namespace syncd::jobs {

enum class LongLine { Truncate, Split, Skip };
constexpr auto enum_names(LongLine) {
  return std::array{config::EnumName("truncate", LongLine::Truncate),
                    config::EnumName("split", LongLine::Split), config::EnumName("skip", LongLine::Skip)};
}

struct LineFormat {
  // `delimiter` in ASCII or raw bytes; none: \n, and a \r before it is no part of the line either.
  LineFormat(Encoding encoding, const std::optional<std::string>& delimiter, std::size_t max_line,
             LongLine on_long);

  Encoding encoding;
  std::string delimiter;        // as it stands in the file
  std::string carriage_return;  // likewise; "" where it stays
  std::size_t max_line;         // bytes in the file
  LongLine on_long;
};

// What became of a line that was too long.
enum class Cut : std::uint8_t { None, Truncated, Split, Skipped };

struct Line {
  std::uint64_t begin = 0;  // offset in the file
  std::uint64_t next = 0;   // where the next one begins
  std::string_view text;    // as it stands in the file, without the delimiter; valid until the next call
  Cut cut = Cut::None;      // Split: it goes on in the next one
  bool in_window = true;    // `text` lies in the window, at `begin`
};

class LineCutter {
 public:
  // `format` outlives it.  `offset` is the beginning of a line, or of a piece of one that was split.
  LineCutter(const LineFormat& format, std::uint64_t offset)
      : format_(&format), begin_(offset), scanned_(offset) {}

  // The next line that is complete; nullopt: more bytes are needed.  `window` holds them from keep() on.
  std::optional<Line> next(const FileWindow& window);
  // Short cut through next() for what most lines are, because this is what reading costs: calls
  // take(Line) for each complete line of one-byte characters behind the other that is not too long, until it
  // returns false or something else comes.
  template <class Take>
  void each_plain(const FileWindow& window, Take take);
  // What is there of a line that will not be completed.
  std::optional<Line> rest(const FileWindow& window);

  // Where the line begins that is not complete.
  std::uint64_t begin() const noexcept { return begin_; }
  // It is too long already, and what counts of it is put aside.
  bool overlong() const noexcept { return overlong_; }
  // What of the window is still needed.
  std::uint64_t keep() const noexcept { return overlong_ ? scanned_ : begin_; }

 private:
  static constexpr std::uint64_t kNowhere = static_cast<std::uint64_t>(-1);
  std::uint64_t find(const FileWindow& window);
  std::uint64_t without_return(const FileWindow& window, std::uint64_t end) const;
  void finish(const FileWindow& window, std::uint64_t end, std::uint64_t next, Line& line);
  std::optional<Line> overflow(const FileWindow& window);
  std::uint64_t first_cut(const FileWindow& window, std::uint64_t end) const;

  const LineFormat* format_;
  std::uint64_t begin_;
  std::uint64_t scanned_;  // no delimiter begins before
  bool overlong_ = false;  // it is too long; what counts of it is in kept_
  std::string kept_;
};

template <class Take>
void LineCutter::each_plain(const FileWindow& window, Take take) {
  if (overlong_ || format_->delimiter.size() != 1 || unit_size(format_->encoding) != 1) return;
  if (scanned_ >= window.end()) return;
  const char delimiter = format_->delimiter[0];
  const bool strip_return = !format_->carriage_return.empty();
  const char* const data = window.at(window.begin());
  const char* const end = window.at(window.end());
  const char* begin = window.at(begin_);
  const char* from = window.at(scanned_);
  bool more = true;
  while (more) {
    const auto* found =
        static_cast<const char*>(std::memchr(from, delimiter, static_cast<std::size_t>(end - from)));
    if (found == nullptr) break;
    const char* last = found;
    if (strip_return && last != begin && last[-1] == '\r') --last;
    Line line;
    line.text = std::string_view(begin, static_cast<std::size_t>(last - begin));
    if (line.text.size() > format_->max_line) break;
    line.begin = window.begin() + static_cast<std::uint64_t>(begin - data);
    begin = from = found + 1;
    line.next = window.begin() + static_cast<std::uint64_t>(begin - data);
    more = take(line);
  }
  begin_ = window.begin() + static_cast<std::uint64_t>(begin - data);
  // What was looked at behind it is looked at again, once.
  scanned_ = std::max(scanned_, begin_);
}

}  // namespace syncd::jobs
