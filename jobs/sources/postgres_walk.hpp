// The walk of one attempt through a table: one observation after the other, and what may be read at each.
// Plain steps for the generator in postgres_table.cpp, which yields what they return.
#pragma once
#include <optional>
#include <string>

#include "jobs/sources/postgres_page.hpp"
#include "jobs/sources/postgres_reader.hpp"

namespace syncd::jobs {

class Walk {
 public:
  // All of them outlive it.
  Walk(const PostgresTableOptions& options, RunContext& context, PostgresReader& reader)
      : options_(options),
        context_(context),
        reader_(reader),
        began_(context.clock.now()),
        told_at_(began_) {}

  // Looks at the table, and whether the position `from` belongs to it.
  Task<> open(std::string from);
  // One observation: who is open, who has ended, and how far may be read now.
  Task<> look();
  // The next rows that the fence has found late; nullopt: no more.
  Task<std::optional<Batch>> late();
  // The next rows in order; nullopt: no more.
  Task<std::optional<Batch>> next();
  // Reports, and where that is worth it an empty batch: everything that can be read has been.
  Task<std::optional<Batch>> rest();
  // After rest(): how long until the next look; nullopt: the run is over.
  std::optional<Duration> pause() const noexcept { return pause_; }

 private:
  using Way = PostgresPosition::Way;

  bool holding() const noexcept { return options_.late == LateCommits::Fence && options_.hold; }
  bool rereading() const noexcept { return options_.late == LateCommits::Fence && !options_.hold; }
  // A row that is changed all the time is always younger than a bound that was taken before: pages go up to
  // their own moment.
  bool up_to_now() const noexcept {
    return rereading() && !shape_->page.now.empty() && options_.settle.count() > 0;
  }
  // Ranges of a second read, left over from before the configuration was changed, are finished first.
  bool leftovers() const noexcept {
    return !rereading() && position_.way == Way::Reread && !position_.fence.ranges().empty();
  }

  Task<Observation> observe();
  void note_start();
  Task<> refuse_null_cursors();
  Task<> refuse_used_ids();
  Task<> await_open_transactions();
  void start_over(const std::string& why);
  Task<std::optional<std::string>> stamps_again(TimePoint asked);
  Task<> follow_clock_back(TimePoint asked);
  void hold_back();
  // `before` and `range` are for the positions between the rows; nullopt: nothing that is worth a batch.
  std::optional<Batch> deliver(Page page, PostgresPosition before, std::optional<std::size_t> range);
  Task<> report();
  // Who may still write below what was read, once a person would notice: "3 h 12 min", and who.
  std::optional<std::pair<std::string, std::string>> open_to() const;
  std::optional<Duration> lag() const;

  const PostgresTableOptions& options_;
  RunContext& context_;
  PostgresReader& reader_;
  TimePoint began_;
  std::optional<std::int64_t> began_us_;  // by the server's clock
  bool at_start_ = false;                 // the bound of this round is not before began_us_
  bool waited_for_start_ = false;
  std::optional<TableShape> shape_;
  PostgresPosition position_;
  Observation seen_;
  ServerClock server_clock_;
  Holders holders_;
  std::optional<TimePoint> nulls_looked_;

  // Of the present round.
  bool first_ = true;
  std::optional<std::string> upper_;  // nullopt: all there is
  bool readable_ = false;             // there may be more below upper_
  std::optional<Opening> opening_;    // what is read now and may grow
  Piece piece_;
  Piece late_piece_;

  bool held_ = false;  // hold: this run has fenced
  std::string told_;   // the position that was yielded last
  TimePoint told_at_;
  bool idle_ = false;  // ... with the word that we have caught up
  std::optional<Duration> pause_;
  std::uint64_t horizon_ = 0;  // xid: where it stands, and since when
  std::int64_t horizon_since_us_ = 0;
  bool warned_ = false;
};

}  // namespace syncd::jobs
