// What the parts of BatchDesk share.  For its own files.
#pragma once
#include <string>
#include <utility>

#include "daemon/base/crash_point.hpp"
#include "jobs/transforms/summarize_batches.hpp"

namespace syncd::jobs {

// A question that waits; it is among the waiting as long as it does.
struct BatchDesk::Entry {
  Entry(Clock& clock, const llm::Ask& ask_in, std::string unit_in, Waiting& waiting)
      : ask(ask_in), unit(std::move(unit_in)), woken(clock), waiting_(waiting) {
    place_ = waiting_.in_order.insert(waiting_.in_order.end(), this);
    by_unit_ = waiting_.by_unit.emplace(unit, this);
    listed_ = true;
  }
  ~Entry() { leave(); }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;
  void leave() {
    if (!std::exchange(listed_, false)) return;
    waiting_.in_order.erase(place_);
    waiting_.by_unit.erase(by_unit_);
  }

  const llm::Ask& ask;
  const std::string unit;
  std::optional<Verdict> verdict;  // none: ask by yourself
  std::exception_ptr error;
  coro::Signal woken;

 private:
  Waiting& waiting_;
  std::list<Entry*>::iterator place_;
  std::multimap<std::string_view, Entry*>::iterator by_unit_;
  bool listed_ = false;
};

// Whose a result is: the batch's marker, then the beginning of the unit; together as long as vendors allow.
constexpr std::size_t kLongestId = 64;
inline std::string custom_id(const std::string& marker, const std::string& unit) {
  return (marker + "-" + unit).substr(0, kLongestId);
}
// The beginning of the unit; "" where it is of another batch.
inline std::string unit_prefix(const std::string& marker, const std::string& id) {
  const std::size_t size = marker.size() + 1;
  return id.size() == kLongestId && id.compare(0, size, marker + "-") == 0 ? id.substr(size) : "";
}

}  // namespace syncd::jobs
