// The fence: which cursor ranges may still grow late rows, and until when.  Pure bookkeeping; what the
// database says comes in as an Observation.
//
// A transaction takes its timestamp or serial id before it commits.  At each poll we take, in this order, the
// upper bound U, the virtualxids V that are open, and only then read.  A row with a cursor up to U that this
// read did not see can only come from a transaction in V.  Once all of V have ended, and the prepared
// transactions that were there at that moment too, the range up to U is settled.
#pragma once
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace syncd::jobs {

// The values of all cursor columns of a row, as the server's own text.
using CursorValues = std::vector<std::string>;

// What one poll has seen, taken in this order.
struct Observation {
  std::string upper;               // U, a value of the first cursor column
  std::uint64_t xmin = 0;          // of a snapshot that is not younger than the reads of this poll
  std::uint64_t xmax = 0;          // of the same snapshot
  std::string boot;                // when the server was started: virtualxids of another life mean nothing
  std::set<std::string> live;      // V: virtualxids of this database, ours and the ignored ones left out
  std::set<std::string> prepared;  // xids of its prepared transactions, taken after `live`
  std::int64_t wall_us = 0;        // microseconds since the epoch
};

// One range that was read and may still grow late rows.
struct OpenRange {
  std::optional<CursorValues> low;                // exclusive; nullopt: from the beginning
  std::string high;                               // inclusive, of the first cursor column
  std::set<std::string> waiting;                  // virtualxids that were open and still are
  std::optional<std::set<std::string>> prepared;  // once `waiting` is empty: what was prepared then
  std::uint64_t xmin = 0;                         // row versions below were seen by the first read
  std::int64_t since_us = 0;
  std::optional<CursorValues> at;  // the second read has come this far

  bool settled() const noexcept { return waiting.empty() && prepared && prepared->empty(); }
  bool operator==(const OpenRange&) const = default;
};

class Fence {
 public:
  static constexpr std::size_t kMaxRanges = 16;

  Fence() = default;
  Fence(std::vector<OpenRange> ranges, std::string boot)
      : ranges_(std::move(ranges)), boot_(std::move(boot)) {}

  // Brings every range up to date with what is still open.
  void observe(const Observation& seen);
  // Begins the range (low, seen.upper] that is about to be read; call after observe() with the same
  // observation.  Nothing is kept where nobody can be late.
  void begin(const std::optional<CursorValues>& low, const Observation& seen);

  // No room for one more without merging two that do not belong together.
  bool full() const noexcept { return ranges_.size() >= kMaxRanges; }
  // Takes back begin(low, seen) after a read that found nothing: the next one starts at the same place.
  void forget(const std::optional<CursorValues>& low, const Observation& seen);

  // In order of their cursor; the oldest first.
  std::vector<OpenRange>& ranges() noexcept { return ranges_; }
  const std::vector<OpenRange>& ranges() const noexcept { return ranges_; }
  const std::string& boot() const noexcept { return boot_; }
  // Hold: takes the leading settled ranges out and returns the highest bound among them.
  std::optional<std::string> take_settled_prefix();

 private:
  void merge(std::size_t first);  // with the one after it
  void shrink();

  std::vector<OpenRange> ranges_;
  std::string boot_;
};

}  // namespace syncd::jobs
