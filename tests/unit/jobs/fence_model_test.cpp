// The fence against a model of the server.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "jobs/sources/fence.hpp"
#include "jobs/sources/postgres_position.hpp"

namespace syncd::jobs {
namespace {

// A server of one table whose clock, ids and transactions move whenever nobody looks.
class Model {
 public:
  Model(unsigned seed, bool serial) : random_(seed), serial_(serial) {}

  struct Row {
    CursorValues cursor;  // its first value: the time of its transaction, or its own serial number
    std::uint64_t xid;    // of the savepoint that wrote it
  };

  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }

  // What the world does between two of our statements.
  void live_on() {
    if (still_) ++clock_;
    for (unsigned n = still_ ? 0 : roll(4); n > 0; --n) step();
  }
  // Ends what is open; nothing new begins.
  void come_to_rest() {
    while (!open_.empty()) step(false);
    still_ = true;
    clock_ += kSettle;
  }

  // Throws what every call does when the server is restarted meanwhile.
  struct ConnectionLost {};
  Observation observe(bool hold) {
    const Alive alive(*this);
    Observation now;
    now.upper = serial_ ? highest_ : text(hold ? clock_ - kSettle : clock_);
    if (!serial_) now.shown = text(clock_ - kSettle);
    now.xmax = completed_ + 1;
    now.xmin = now.xmax;
    for (const Transaction& t : open_) {
      if (t.xid != 0) now.xmin = std::min(now.xmin, t.xid);
    }
    now.boot = std::to_string(boots_);
    live_on();
    for (const Transaction& t : open_) {
      if (!t.prepared && t.shows <= clock_) now.live.emplace(t.name, t.xid != 0 ? t.xid : now.xmax);
    }
    live_on();
    for (const Transaction& t : open_) {
      if (t.prepared) now.prepared.emplace(std::to_string(t.xid), t.xid);
    }
    now.wall_us = clock_;
    live_on();
    alive.check();
    return now;
  }

  // A page of committed rows in order.
  std::vector<Row> read(const std::optional<Start>& after, const std::string& upper, std::uint64_t xid,
                        std::size_t limit) {
    const Alive alive(*this);
    std::vector<Row> page;
    auto row = committed_.begin();
    if (after) {
      row = after->inclusive ? committed_.lower_bound(after->values) : committed_.upper_bound(after->values);
    }
    for (; row != committed_.end() && row->first[0] <= upper && page.size() < limit; ++row) {
      if (row->second.xid >= xid) page.push_back(row->second);
    }
    live_on();
    alive.check();
    return page;
  }

  bool serial() const { return serial_; }
  std::string now() const { return text(clock_); }
  bool still() const { return still_; }
  const std::map<CursorValues, Row>& committed() const { return committed_; }

 private:
  static constexpr std::int64_t kSettle = 6;

  struct Transaction {
    std::string name;
    std::int64_t start;
    std::int64_t shows;  // less than kSettle after its start; it does nothing before
    std::uint64_t xid = 0;
    bool prepared = false;
    bool long_lived = false;
    std::vector<std::string> drawn = {};  // serial numbers that wait for their row
    std::vector<Row> rows = {};
  };

  class Alive {
   public:
    explicit Alive(const Model& model) : model_(model), boots_(model.boots_) {}
    void check() const {
      if (model_.boots_ != boots_) throw ConnectionLost();
    }

   private:
    const Model& model_;
    int boots_;
  };

  static std::string text(std::int64_t number) { return fmt::format("{:08}", number); }

  void step(bool more = true) {
    ++clock_;
    const unsigned what = roll(100);
    if (more && (open_.size() < 3 || what < 15)) {
      const std::int64_t shows = clock_ + (roll(2) == 0 ? roll(kSettle) : 0);
      const std::string name = fmt::format("{}/{}", life_, ++started_);
      open_.push_back(Transaction{name, clock_, shows, 0, false, roll(20) == 0});
      return;
    }
    if (open_.empty()) return;
    if (what == 99 && roll(10) == 0) return restart();
    const auto victim = open_.begin() + roll(static_cast<unsigned>(open_.size()));
    if (victim->shows > clock_) return;
    if (victim->prepared) {
      if (roll(10) == 0) end(victim, roll(10) != 0);
    } else if (what < 50) {
      write(*victim);
    } else if (!victim->long_lived || roll(40) == 0) {
      if (what < 60 && victim->xid != 0) {
        victim->prepared = true;
      } else {
        end(victim, what < 95);
      }
    }
  }

  // Sometimes a number is drawn long before its row is written.
  void write(Transaction& t) {
    if (roll(3) == 0) {
      t.drawn.push_back(text(++serial_number_));
      return;
    }
    if (t.xid == 0) t.xid = ++last_xid_;
    const std::uint64_t xid = roll(4) == 0 ? ++last_xid_ : t.xid;  // a savepoint has an id of its own
    std::string number;
    if (!t.drawn.empty()) {
      number = t.drawn.back();
      t.drawn.pop_back();
    } else {
      number = text(++serial_number_);
    }
    const std::string first = serial_ ? number : text(t.start);
    t.rows.push_back(Row{{first, number}, xid});
  }

  void end(std::vector<Transaction>::iterator victim, bool commit) {
    if (commit) {
      for (const Row& row : victim->rows) {
        committed_.emplace(row.cursor, row);
        highest_ = std::max(highest_, row.cursor[0]);
      }
    }
    if (victim->xid != 0) completed_ = std::max(completed_, last_xid_);
    open_.erase(victim);
  }

  void restart() {
    std::erase_if(open_, [](const Transaction& t) { return !t.prepared; });
    started_ = 0;  // virtualxids begin anew
    ++boots_;
    life_ = boots_ % 2;  // ... and come again
  }

  std::minstd_rand random_;
  bool serial_;
  bool still_ = false;
  std::int64_t clock_ = 1;
  std::uint64_t last_xid_ = 100;
  std::uint64_t completed_ = 100;
  int serial_number_ = 0;
  int started_ = 0;
  int boots_ = 0;
  int life_ = 0;
  std::string highest_;
  std::vector<Transaction> open_;
  std::map<CursorValues, Row> committed_;
};

// A reader that uses the fence as the source does, and is interrupted anywhere.
class Reader {
 public:
  Reader(Model& model, bool hold) : model_(model), hold_(hold) {}

  void round() {
    PostgresPosition position = decode_postgres_position(stored_);
    position.key = {"first", "second"};
    try {
      const Observation now = model_.observe(hold_);
      position.fence.observe(now);
      if (hold_ ? held_back(position, now) : reread(position, now)) store(position);
    } catch (const Model::ConnectionLost&) {
    }
  }

  std::map<CursorValues, int> delivered;
  bool open() const { return !decode_postgres_position(stored_).fence.ranges().empty(); }
  std::size_t read_again = 0;

 private:
  bool interrupted() { return !model_.still() && model_.roll(20) == 0; }
  void store(const PostgresPosition& position) { stored_ = encode(position); }
  void deliver(const std::vector<Model::Row>& page, const PostgresPosition& position) {
    for (const Model::Row& row : page) ++delivered[row.cursor];
    store(position);
  }

  bool reread(PostgresPosition& position, const Observation& now) {
    position.way = PostgresPosition::Way::Reread;
    while (const auto due = position.fence.due(now.wall_us)) {
      OpenRange& range = position.fence.ranges()[*due];
      const auto page = model_.read(range.at ? std::optional<Start>(*range.at) : range.low, range.high,
                                    range.due.value_or(0), 3);
      if (page.size() < 3) {
        position.fence.reread(*due, now.wall_us);
      } else {
        range.at = page.back().cursor;
      }
      read_again += page.size();
      deliver(page, position);
      if (interrupted()) return false;
    }
    Opening opening(position.cursor, now);
    for (bool more = true; more;) {
      const auto page = model_.read(position.cursor, model_.serial() ? now.upper : model_.now(), 0, 3);
      if (page.empty()) break;
      const std::string& reached = page.back().cursor.front();
      more = page.size() == 3 && reached <= now.upper;
      opening.reach(position.fence, reached);
      position.cursor = page.back().cursor;
      deliver(page, position);
      if (interrupted()) return false;
    }
    if (position.cursor) opening.end(position.fence, position.cursor->front());
    EXPECT_LE(position.fence.ranges().size(), Fence::kMaxRanges);
    return true;
  }

  bool held_back(PostgresPosition& position, const Observation& now) {
    position.way = PostgresPosition::Way::Hold;
    if (!now.upper.empty() && !position.fence.full()) position.fence.add(OpenRange(std::nullopt, now));
    if (auto settled = position.fence.take_settled_prefix()) position.safe = settled;
    for (std::size_t rows = 3; position.safe && rows == 3;) {
      const auto page = model_.read(position.cursor, *position.safe, 0, 3);
      rows = page.size();
      if (page.empty()) break;
      position.cursor = page.back().cursor;
      deliver(page, position);
      if (interrupted()) return false;
    }
    position.safe.reset();
    return true;
  }

  Model& model_;
  bool hold_;
  std::string stored_;
};

class FenceModel : public testing::TestWithParam<std::tuple<bool, bool>> {};

TEST_P(FenceModel, MissesNothingAndDoublesNothingThatIsHeldBack) {
  const auto [serial, hold] = GetParam();
  std::size_t rows = 0;
  std::size_t again = 0;
  for (unsigned seed = 1; seed <= 25; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Model model(seed, serial);
    Reader reader(model, hold);
    for (int i = 0; i < 100; ++i) reader.round();
    model.come_to_rest();
    for (int i = 0; i < 10; ++i) reader.round();
    EXPECT_FALSE(reader.open());
    for (const auto& [cursor, row] : model.committed()) {
      const int times = reader.delivered[cursor];
      ASSERT_GE(times, 1) << cursor[0] << " " << cursor[1];
      if (hold) {
        ASSERT_EQ(times, 1) << cursor[0] << " " << cursor[1];
      }
    }
    rows += model.committed().size();
    again += reader.read_again;
  }
  RecordProperty("rows", static_cast<int>(rows));
  RecordProperty("read_again", static_cast<int>(again));
  if (!hold) {
    EXPECT_GT(again, rows / 20) << "hardly a row came late: this shows nothing";
  }
}

INSTANTIATE_TEST_SUITE_P(All, FenceModel, testing::Combine(testing::Bool(), testing::Bool()),
                         [](const auto& tested) {
                           return std::string(std::get<0>(tested.param) ? "Serial" : "Time") +
                                  (std::get<1>(tested.param) ? "Hold" : "Reread");
                         });

}  // namespace
}  // namespace syncd::jobs
