#include "jobs/sources/file_records.hpp"

#include <utility>

#include "daemon/base/error.hpp"

namespace syncd::jobs {

bool RecordAssembler::matches(const Pattern& pattern, const Line& line) {
  std::string_view subject = line.text;
  if (!is_utf8_already(format_->encoding, subject)) {
    scratch_.clear();
    append_utf8(format_->encoding, subject, scratch_);
    subject = scratch_;
  }
  try {
    return pattern.found_in(subject);
  } catch (const Error&) {
    // Whoever writes the log must not be able to stop the job.
    ++gave_up_;
    return false;
  }
}

bool RecordAssembler::begins_record(const Line& line) {
  if (multiline_->starts) return matches(*multiline_->starts, line);
  if (multiline_->continues) return !matches(*multiline_->continues, line);
  return false;
}

bool RecordAssembler::ends_record(const Line& line) {
  // A piece of a line stands for itself, so that reading on behind it finds the same records.
  if (line.cut == Cut::Split) return true;
  if (multiline_->ends) return matches(*multiline_->ends, line);
  if (multiline_->joins) return !matches(*multiline_->joins, line);
  return false;
}

bool RecordAssembler::too_long_with(const Line& line) {
  const bool split =
      format_->on_long == LongLine::Split && line.begin + line.text.size() - begin_ > format_->max_line;
  if (split) cut_ = Cut::Split;
  return split;
}

void RecordAssembler::append(const Line& line, const FileWindow& window) {
  if (!open_) {
    open_ = true;
    begin_ = line.begin;
    cut_ = Cut::None;
    stashed_ = false;
  }
  const bool was_whole = cut_ == Cut::None;
  next_ = line.next;
  end_ = line.begin + line.text.size();
  if (line.cut == Cut::Split) cut_ = Cut::Split;
  if (!was_whole || line.cut == Cut::Split) return;
  if (line.cut == Cut::None && end_ - begin_ <= format_->max_line) return;
  cut_ = format_->on_long == LongLine::Skip ? Cut::Skipped : Cut::Truncated;
  if (!stashed_) kept_ = window.bytes(begin_, line.begin);
  kept_ += line.text;
  kept_.resize(cut_at_character(format_->encoding, kept_, format_->max_line));
}

void RecordAssembler::stash(const FileWindow& window) {
  if (!open_ || cut_ != Cut::None || stashed_) return;
  kept_ = window.bytes(begin_, next_);
  stashed_ = true;
}

Record RecordAssembler::close(const FileWindow& window) {
  open_ = false;
  Record record;
  record.begin = begin_;
  record.next = next_;
  record.cut = cut_;
  record.in_window = cut_ == Cut::Split || (cut_ == Cut::None && !stashed_);
  if (record.in_window) {
    record.text = window.bytes(begin_, end_);
  } else {
    record.text = std::string_view(kept_).substr(0, cut_ == Cut::None ? end_ - begin_ : kept_.size());
  }
  return record;
}

}  // namespace syncd::jobs
