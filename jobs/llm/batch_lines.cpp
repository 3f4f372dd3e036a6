#include "jobs/llm/batch_lines.hpp"

#include <utility>

namespace syncd::llm {

void Lines::feed(std::string_view bytes) {
  buffer_.erase(0, std::exchange(begin_, 0));
  scanned_ = 0;
  if (skipping_) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos) return;
    skipping_ = false;
    bytes.remove_prefix(end + 1);
  }
  scanned_ = buffer_.size();
  buffer_ += bytes;
}

std::optional<std::string> Lines::next() {
  while (true) {
    const auto end = buffer_.find('\n', scanned_);
    if (end == std::string::npos) break;
    std::string line = buffer_.substr(begin_, end - begin_);
    begin_ = scanned_ = end + 1;
    if (!line.empty() && line.back() == '\r') line.pop_back();
    if (line.size() > longest_) {
      ++too_long_;
    } else if (!line.empty()) {
      return line;
    }
  }
  scanned_ = buffer_.size();
  if (buffer_.size() - begin_ > longest_) {
    ++too_long_;
    skipping_ = true;
    buffer_.clear();
    buffer_.shrink_to_fit();
    begin_ = scanned_ = 0;
  }
  return std::nullopt;
}

}  // namespace syncd::llm
