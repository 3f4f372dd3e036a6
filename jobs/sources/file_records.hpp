// RecordAssembler: makes records of lines: each line is one, unless a pattern says which belong together.  A
// record is a piece of the file as it stands, delimiters between its lines included.
#pragma once
#include <optional>
#include <string>

#include "jobs/pattern.hpp"
#include "jobs/sources/file_lines.hpp"

namespace syncd::jobs {

// Which lines belong together; one pattern is given at most.
struct Multiline {
  std::optional<Pattern> starts;     // a line that matches begins a record
  std::optional<Pattern> continues;  // a line that matches belongs to the one before
  std::optional<Pattern> ends;       // a line that matches ends its record
  std::optional<Pattern> joins;      // a line that matches goes on in the next one

  bool off() const noexcept { return !starts && !continues && !ends && !joins; }
};

struct Record {
  std::uint64_t begin = 0;
  std::uint64_t next = 0;
  std::string_view text;  // as it stands in the file; valid until the next call
  Cut cut = Cut::None;
  bool in_window = true;  // `text` lies in the window
};

class RecordAssembler {
 public:
  // Both outlive it.
  RecordAssembler(const LineFormat& format, const Multiline& multiline)
      : format_(&format), multiline_(&multiline) {}

  // Calls take(Record) for each record that `line` completes.
  template <class Take>
  void add(const Line& line, const FileWindow& window, Take take) {
    if (multiline_->off()) return take(Record{line.begin, line.next, line.text, line.cut, line.in_window});
    if (open_ && (begins_record(line) || too_long_with(line))) take(close(window));
    append(line, window);
    if (ends_record(line)) take(close(window));
  }
  // Calls take(Record) for a record that no further line will complete.
  template <class Take>
  void flush(const FileWindow& window, Take take) {
    if (open_) take(close(window));
  }

  bool open() const noexcept { return open_; }
  // Where the open record begins; what of the window it needs.
  std::uint64_t begin() const noexcept { return begin_; }
  std::uint64_t keep(std::uint64_t line_keep) const noexcept {
    return open_ && cut_ == Cut::None && !stashed_ ? begin_ : line_keep;
  }
  // The line behind the open record is too long to be kept in the window with it.
  void stash(const FileWindow& window);
  // Lines on which a pattern gave up; they count as not matching.
  std::uint64_t gave_up() const noexcept { return gave_up_; }

 private:
  bool matches(const Pattern& pattern, const Line& line);
  bool begins_record(const Line& line);
  bool ends_record(const Line& line);
  bool too_long_with(const Line& line);
  void append(const Line& line, const FileWindow& window);
  Record close(const FileWindow& window);

  const LineFormat* format_;
  const Multiline* multiline_;
  bool open_ = false;
  std::uint64_t begin_ = 0;
  std::uint64_t end_ = 0;  // of its text
  std::uint64_t next_ = 0;
  Cut cut_ = Cut::None;
  bool stashed_ = false;
  std::string kept_;     // what counts of a record that was cut, or all of a stashed one
  std::string scratch_;  // a line in UTF-8
  std::uint64_t gave_up_ = 0;
};

}  // namespace syncd::jobs
