// Position: where a source goes on.  An opaque text that only its source reads; sinks and stores keep it.
// Rule 0: a stored position never says more than the sink durably holds.
#pragma once
#include <map>
#include <string>
#include <utility>

namespace syncd::jobs {

class Position {
 public:
  Position() = default;
  Position(std::string partition, std::string text)
      : partition_(std::move(partition)), text_(std::move(text)) {}

  // Independent streams within one source (one per file); "" where there is only one.
  const std::string& partition() const noexcept { return partition_; }
  // Empty: from the beginning.
  const std::string& text() const noexcept { return text_; }
  bool operator==(const Position&) const = default;

 private:
  std::string partition_;
  std::string text_;
};

// The latest position of each partition.
class Positions {
 public:
  Positions() = default;

  // The position of a partition that was never seen is its beginning.
  Position at(const std::string& partition) const {
    const auto found = texts_.find(partition);
    return Position(partition, found == texts_.end() ? std::string() : found->second);
  }
  void advance(const Position& to) { texts_[to.partition()] = to.text(); }
  bool empty() const noexcept { return texts_.empty(); }
  const std::map<std::string, std::string>& all() const noexcept { return texts_; }
  bool operator==(const Positions&) const = default;

 private:
  std::map<std::string, std::string> texts_;
};

}  // namespace syncd::jobs
