// Lines from pieces of any size, none held that is longer than a limit.  Pure: no I/O.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace syncd::llm {

class Lines {
 public:
  explicit Lines(std::size_t longest) : longest_(longest) {}

  void feed(std::string_view bytes);
  // The next line without its end; empty ones and those above the limit are passed over.  To be called until
  // it has none.
  std::optional<std::string> next();
  // Lines so far that were too long.
  std::size_t too_long() const noexcept { return too_long_; }

 private:
  const std::size_t longest_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of what was not consumed
  std::size_t scanned_ = 0;  // no end of line before this
  bool skipping_ = false;    // until the end of a line that is too long
  std::size_t too_long_ = 0;
};

}  // namespace syncd::llm
