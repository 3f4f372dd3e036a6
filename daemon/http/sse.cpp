#include "daemon/http/sse.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/base/error.hpp"

namespace syncd::http {
namespace {

// As find_first_of("\r\n"), which looks at each byte twice and one by one.
std::size_t find_line_end(std::string_view text, std::size_t from) {
  const std::size_t newline = text.find('\n', from);
  return std::min(newline, text.substr(0, newline).find('\r', from));
}

}  // namespace

void SseParser::feed(std::string_view bytes) {
  buffer_.erase(0, begin_);
  scanned_ -= begin_;
  begin_ = 0;
  buffer_.append(bytes);
}

std::optional<Event> SseParser::next() {
  if (dispatched_) {
    type_.clear();
    data_.clear();
    dispatched_ = false;
  }
  while (const auto line = next_line()) {
    if (!line->empty()) {
      take_field(*line);
      continue;
    }
    if (has_data_) {
      has_data_ = false;
      dispatched_ = true;
      return Event{type_, data_};
    }
    type_.clear();
  }
  return std::nullopt;
}

std::optional<std::string_view> SseParser::next_line() {
  if (after_cr_ && begin_ < buffer_.size()) {
    after_cr_ = false;
    if (buffer_[begin_] == '\n') scanned_ = ++begin_;
  }
  const std::size_t end = find_line_end(buffer_, scanned_);
  if (end == std::string::npos) {
    scanned_ = buffer_.size();
    check_size(data_.size() + buffer_.size() - begin_);
    return std::nullopt;
  }
  std::string_view line(buffer_.data() + begin_, end - begin_);
  after_cr_ = buffer_[end] == '\r';
  begin_ = scanned_ = end + 1;
  if (std::exchange(first_line_, false) && line.substr(0, 3) == "\xEF\xBB\xBF") line.remove_prefix(3);
  return line;
}

// A line that begins with a colon is a comment; "id" and "retry" are for reconnecting, which we never do.
void SseParser::take_field(std::string_view line) {
  check_size(data_.size() + line.size());
  const std::size_t colon = line.find(':');
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) data_ += '\n';
    has_data_ = true;
    data_ += value;
  } else if (name == "event") {
    type_ = value;
  }
}

void SseParser::check_size(std::size_t size) const {
  if (size <= max_event_) return;
  throw Error(ErrorKind::Transient, fmt::format("an event of the stream exceeds {} bytes", max_event_));
}

}  // namespace syncd::http
