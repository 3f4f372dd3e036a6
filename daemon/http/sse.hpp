// Server-sent events, decoded as the WHATWG specification says, from pieces of any size: pure, no I/O.
// Lines end in CR, LF or CRLF, also where a piece ends between the two.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace syncd::http {

// Views into the parser, valid until its next call.
struct Event {
  std::string_view type;  // "" where the stream names none (the specification's "message")
  std::string_view data;  // the data lines, joined by LF
};

class SseParser {
 public:
  // An event, or a single line of any kind, may have `max_event` bytes.
  explicit SseParser(std::size_t max_event) : max_event_(max_event) {}

  void feed(std::string_view bytes);
  // The next event that is complete; to be called until it has none.  An event without data is none.  What
  // is left at the end of the stream is no event: it was cut.  Throws a Transient error when one is too
  // large.
  std::optional<Event> next();

 private:
  std::optional<std::string_view> next_line();
  void take_field(std::string_view line);
  void check_size(std::size_t size) const;

  const std::size_t max_event_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what was not consumed
  std::size_t scanned_ = 0;  // no end of line before this
  bool after_cr_ = false;    // an LF that comes first belongs to the CR before it
  bool first_line_ = true;   // which may begin with a byte order mark
  bool dispatched_ = false;  // type_ and data_ are those of the event that next() returned
  bool has_data_ = false;
  std::string type_;
  std::string data_;
};

}  // namespace syncd::http
