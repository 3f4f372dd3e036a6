// The fence: which cursor ranges may still grow late rows, and until when.  Pure bookkeeping; what the
// database says comes in as an Observation.
//
// A transaction takes its timestamp or serial id before it commits.  At each poll we take, in this order, the
// upper bound U, the virtualxids V that are open, the prepared transactions P, and only then read.  A row
// with a cursor up to U that this read did not see can only come from V or P.  Whenever one of them ends,
// rows of it may have appeared: the range is due.  Once all have ended, it is settled.
//
// A virtualxid that goes may have become a prepared transaction, and nothing says which: from then on all
// that are prepared at that moment count for the range too.
//
// A transaction takes its timestamp a moment before its virtualxid shows.  So by a timestamp the last moment
// before U is a range of its own: once the clock has left it far enough behind, whoever took its time there
// shows or has ended; who is open then counts for the range too.
//
// A row version carries the id of the transaction, or savepoint, that wrote it.  We remember the least that
// each of them can have written: a second read leaves out what is older, and so most of what was delivered.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace syncd::jobs {

// The values of all cursor columns of a row, as the server's own text.
using CursorValues = std::vector<std::string>;

// Where reading begins: after these values, or (`inclusive`; they may be the first few columns only) at them.
class Start {
 public:
  Start(CursorValues values_in, bool inclusive_in = false)  // implicit: most starts are a row that was read
      : values(std::move(values_in)), inclusive(inclusive_in) {}
  CursorValues values;
  bool inclusive;
  const std::string& front() const { return values.front(); }
  bool operator==(const Start&) const = default;
};

// Open transactions, each with the least (64-bit) transaction id that its rows can have.
using Transactions = std::map<std::string, std::uint64_t>;

// What one poll has seen, taken in this order.
struct Observation {
  std::string upper;         // U, a value of the first cursor column
  std::string shown;         // whoever took its time up to here shows; "": up to U
  std::uint64_t xmin = 0;    // of a snapshot
  std::uint64_t xmax = 0;    // of the same
  std::string boot;          // when the server was started: virtualxids of another life mean nothing
  Transactions live;         // V: virtualxids (with their pid) of this database, without the ignored ones
  Transactions prepared;     // P: by their transaction id
  std::int64_t wall_us = 0;  // the server's clock, microseconds since the epoch
};

// One range that may still grow late rows.
struct OpenRange {
  OpenRange() = default;
  // (low, seen.upper], about to be read (re-read) or held back (hold).
  OpenRange(const std::optional<Start>& low, const Observation& seen);

  std::optional<Start> low;  // nullopt: from the beginning
  std::string high;          // inclusive, of the first cursor column
  Transactions waiting;      // virtualxids that were open and still are
  Transactions prepared;     // prepared transactions that may be theirs
  std::int64_t since_us = 0;
  std::optional<std::uint64_t> unseen;  // somebody may not have shown yet: its rows are not older
  std::optional<std::uint64_t> due;     // somebody has ended since the last read: its rows are not older
  std::optional<CursorValues> at;       // the next read has come this far
  std::int64_t rest_until_us = 0;       // no further read before, unless it is settled; not worth storing

  bool settled() const noexcept { return waiting.empty() && prepared.empty() && !unseen; }
  // Takes out who has ended, and in who shows only now; the least id of the rows that may have come,
  // nullopt when nobody had ended.
  std::optional<std::uint64_t> narrow(const Observation& seen);
  bool operator==(const OpenRange&) const = default;
};

class Fence;

// What a re-read leaves open behind it, as far as it gets.
class Opening {
 public:
  // About to read (low, seen.upper]; where there is a last moment, also somewhat further.
  Opening(const std::optional<Start>& low, const Observation& seen);

  // What has been there for some time, the last moment aside: perhaps the whole table.
  const OpenRange& rested() const noexcept { return rested_; }
  // Nothing is read yet: who has ended meanwhile is not late.
  void narrow(const Observation& seen);
  // Everything up to `first`, a value of the first cursor column, is about to be delivered.
  void reach(Fence& fence, const std::string& first);
  // Reading has ended there: the next one begins after it, not at U.
  void end(Fence& fence, const std::string& first) const;

 private:
  OpenRange rested_;
  std::optional<OpenRange> last_moment_;
  bool rested_open_ = false;
  bool last_moment_open_ = false;
};

class Fence {
 public:
  static constexpr std::size_t kMaxRanges = 16;

  Fence() = default;
  Fence(std::vector<OpenRange> ranges, std::string boot)
      : ranges_(std::move(ranges)), boot_(std::move(boot)) {}

  // Brings every range up to date with what is still open.
  void observe(const Observation& seen);
  // Call after observe() with the same observation.
  void add(OpenRange range);

  // In order of their cursor; the oldest first.
  std::vector<OpenRange>& ranges() noexcept { return ranges_; }
  const std::vector<OpenRange>& ranges() const noexcept { return ranges_; }
  const std::string& boot() const noexcept { return boot_; }
  // No room for one more without merging two that do not belong together.
  bool full() const noexcept { return ranges_.size() >= kMaxRanges; }
  // Everybody that `range` waits for is waited for already: a long transaction, known from before.
  bool covers(const OpenRange& range) const;

  // Re-read: the first range to be read now.  One whose first transactions have ended is read while others
  // are open, after rests that double with its age: a row is never later than twice its own transaction.
  std::optional<std::size_t> due(std::int64_t now_us) const;
  // That read is complete.
  void reread(std::size_t index, std::int64_t now_us);

  // Hold: takes the leading settled ranges out and returns the bound of the last one.
  std::optional<std::string> take_settled_prefix();

 private:
  void merge(std::size_t first);  // with the one after it
  void join_equals();
  void shrink();

  std::vector<OpenRange> ranges_;
  std::string boot_;
};

}  // namespace syncd::jobs
