#include "jobs/sources/postgres_walk.hpp"

#include <fmt/format.h>

namespace syncd::jobs {
namespace {

constexpr Duration kLook = std::chrono::milliseconds(20);   // while somebody is waited for
constexpr Duration kPatience = std::chrono::seconds(1);     // with those who are open at the start
constexpr Duration kNullLook = std::chrono::minutes(1);     // how often NULL cursors are looked for
constexpr Duration kTellSearch = std::chrono::seconds(10);  // positions of a search that finds nothing
constexpr Duration kTellIdle = std::chrono::minutes(1);     // positions that only the fence has changed
constexpr auto kHoldWorthAWord = std::chrono::seconds(1);

}  // namespace

Task<> Walk::open(std::string from) {
  position_ = decode_postgres_position(from);
  told_ = std::move(from);
  shape_ = co_await reader_.call("reading " + options_.table, [this](postgres::Session& session) {
    return std::make_optional(resolve(session, options_));
  });
  const std::string& identity = shape_->info.identity;
  reader_.expect(identity);
  if (!position_.identity.empty() && position_.identity != identity) {
    start_over("the address leads to " + explain_identity(identity, position_.identity));
  } else if (!position_.key.empty() && position_.key != options_.cursor) {
    start_over(fmt::format("the position is one of the cursor ({}), now it is ({})",
                           fmt::join(position_.key, ", "), fmt::join(options_.cursor, ", ")));
  }
  position_.identity = identity;
  position_.key = options_.cursor;
  if (position_.way == Way::Hold && !holding()) {
    // What was held back has not been delivered: it lies behind the cursor.
    position_.fence = Fence();
    position_.safe.reset();
  }
  if (!holding()) position_.delivered.reset();
  if (position_.clock) server_clock_.remember(*position_.clock);
}

// A server that is another one, or that went back in time, must not be read on as if nothing had happened:
// rows with cursors below ours would be missed.
void Walk::start_over(const std::string& why) {
  if (!options_.rescan) {
    throw Error(ErrorKind::Permanent,
                why + ": halted (on_source_change); look at the data, then `syncctl checkpoint rewind`");
  }
  context_.monitor.warn(why + ": reading the whole table again (on_source_change)");
  position_ = PostgresPosition();
  position_.identity = shape_->info.identity;
  position_.key = options_.cursor;
}

// --- looking -----------------------------------------------------------------------------------------

Task<Observation> Walk::observe() {
  const bool transactions = options_.late == LateCommits::Fence || leftovers();
  Observation seen = co_await reader_.call("polling " + options_.table, [&](postgres::Session& session) {
    return syncd::jobs::observe(session, shape_->bound, transactions, options_.fence_ignore.application_name,
                                holders_);
  });
  // Standbys behind one address are not equally far; theirs is no way back.
  if (position_.xmax > seen.xmax && !shape_->info.standby) {
    start_over(fmt::format("the server went back in time (its next transaction is {}, it was {})", seen.xmax,
                           position_.xmax));
  }
  position_.fence.observe(seen);
  co_return seen;
}

Task<> Walk::look() {
  co_await refuse_null_cursors();
  const TimePoint asked = context_.clock.now();
  seen_ = co_await observe();
  co_await follow_clock_back(asked);
  note_start();
  upper_.reset();
  if (shape_->bound.kind != UpperBound::Kind::None) upper_ = seen_.upper;
  readable_ = !upper_ || !upper_->empty();  // an empty table has no maximum
  piece_ = Piece();
  co_await refuse_used_ids();
  if (rereading()) {
    opening_.emplace(position_.cursor, seen_);
    if (std::exchange(first_, false)) co_await await_open_transactions();
  } else if (holding()) {
    hold_back();
  }
}

// What was committed before a run that is not continuous belongs to it, although reads trail the clock.
void Walk::note_start() {
  if (!began_us_) {
    began_us_ = seen_.wall_us;
    began_ = context_.clock.now();
  }
  const bool trails = options_.late == LateCommits::Fence && shape_->bound.kind != UpperBound::Kind::Maximum;
  const auto behind = std::chrono::duration_cast<std::chrono::microseconds>(shape_->bound.behind).count();
  at_start_ = !trails || seen_.wall_us - behind >= *began_us_;
}

Task<> Walk::refuse_null_cursors() {
  const TimePoint now = context_.clock.now();
  if (options_.on_null_cursor == OnNullCursor::Ignore) co_return;
  if (nulls_looked_ && now - *nulls_looked_ < kNullLook) co_return;
  nulls_looked_ = now;
  const bool nulls =
      co_await reader_.call("looking for NULL cursors in " + options_.table,
                            [this](postgres::Session& session) { return has_null_cursor(session, *shape_); });
  if (nulls) {
    throw Error(
        ErrorKind::Permanent,
        fmt::format("{} has rows whose cursor is NULL: they have no place in the order and would be "
                    "missed. Fill them in, exclude them by `where`, or say on_null_cursor = \"ignore\"",
                    options_.table));
  }
}

// TRUNCATE ... RESTART IDENTITY: what comes now lies below the cursor.
Task<> Walk::refuse_used_ids() {
  if (shape_->bound.kind != UpperBound::Kind::Maximum || !position_.cursor) co_return;
  const std::string& reached = position_.cursor->front();
  if (!readable_ || std::stoll(seen_.upper) >= std::stoll(reached)) co_return;
  const bool back = co_await reader_.call("polling " + options_.table, [&](postgres::Session& session) {
    return set_back(session, shape_->bound, reached);
  });
  if (back) {
    start_over(fmt::format("the sequence of {} was set back below {}", options_.cursor.front(), reached));
  }
}

// What is settled before it is read needs no second read; the first range of a run is often the whole table.
// A long transaction is not waited for, least of all once more.
Task<> Walk::await_open_transactions() {
  const TimePoint patience = context_.clock.now() + std::min<Duration>(kPatience, options_.hold_wait);
  while (!opening_->rested().settled() && !position_.fence.covers(opening_->rested()) &&
         context_.clock.now() < patience) {
    co_await sleep_for(context_.clock, kLook);
    const auto low = position_.cursor;
    Observation again = co_await observe();
    again.upper = seen_.upper;
    again.shown = seen_.shown;
    seen_ = std::move(again);
    opening_->narrow(seen_);
    // Of a server that went back in time it is another one.
    if (position_.cursor != low) opening_.emplace(position_.cursor, seen_);
  }
}

void Walk::hold_back() {
  readable_ = false;
  upper_.reset();
  if (leftovers()) return;
  Fence& fence = position_.fence;
  const bool news = fence.ranges().empty() || fence.ranges().back().high != seen_.upper;
  if ((context_.continuous || !held_) && !seen_.upper.empty() && news && !fence.full()) {
    fence.add(OpenRange(std::nullopt, seen_));
    position_.way = Way::Hold;
    held_ = at_start_;
  }
  if (auto settled = fence.take_settled_prefix()) position_.safe = std::move(settled);
  upper_ = position_.safe;
  readable_ = upper_.has_value();
}

// --- reading -----------------------------------------------------------------------------------------

Task<std::optional<Batch>> Walk::late() {
  Fence& fence = position_.fence;
  while (position_.way == Way::Reread) {
    const std::optional<std::size_t> index = fence.due(seen_.wall_us);
    if (!index) break;
    const OpenRange& range = fence.ranges()[*index];
    PageBounds bounds;
    bounds.after = range.low;
    if (range.at) bounds.after = *range.at;
    bounds.upper = range.high;
    bounds.min_xid = range.due;
    Page page = co_await reader_.call("reading " + options_.table, [&](postgres::Session& session) {
      return read_page(session, *shape_, bounds, &late_piece_);
    });
    PostgresPosition before = position_;
    if (page.end) {
      fence.reread(*index, seen_.wall_us);
    } else {
      fence.ranges()[*index].at = page.reached;
    }
    auto batch = deliver(std::move(page), std::move(before), index);
    if (batch) co_return batch;
  }
  co_return std::nullopt;
}

Task<std::optional<Batch>> Walk::next() {
  while (readable_) {
    PageBounds bounds;
    bounds.after = position_.cursor;
    bounds.up_to_now = up_to_now();
    if (!bounds.up_to_now) bounds.upper = upper_;
    bounds.below_horizon = options_.late == LateCommits::Xid;
    // Without `where` every row is wanted: LIMIT bounds the statement well enough.
    Piece* piece = options_.where.empty() || position_.delivered ? nullptr : &piece_;
    if (position_.delivered) {
      bounds.min_xid = position_.delivered->xid;
      if (*upper_ >= position_.delivered->up_to.front()) bounds.until = position_.delivered->up_to;
    }
    Page page = co_await reader_.call("reading " + options_.table, [&](postgres::Session& session) {
      return read_page(session, *shape_, bounds, piece);
    });
    readable_ = !page.end;
    if (!page.reached) break;
    const std::string& reached = page.reached->front();
    if (bounds.up_to_now && reached > seen_.upper) readable_ = false;  // who is open now is for the next look
    if (opening_) {
      opening_->reach(position_.fence, reached);
      position_.way = Way::Reread;
    }
    PostgresPosition before = position_;
    position_.cursor = page.reached;
    position_.xmax = std::max(position_.xmax, seen_.xmax);
    position_.clock = server_clock_.last();
    if (position_.delivered && *page.reached == position_.delivered->up_to) position_.delivered.reset();
    auto batch = deliver(std::move(page), std::move(before), std::nullopt);
    if (batch) {
      context_.monitor.lag(lag(), std::nullopt);
      co_return batch;
    }
  }
  co_return std::nullopt;
}

std::optional<Batch> Walk::deliver(Page page, PostgresPosition before, std::optional<std::size_t> range) {
  const TimePoint now = context_.clock.now();
  if (page.batch.empty() && now - told_at_ < kTellSearch) return std::nullopt;
  if (!page.batch.empty()) {
    page.batch.set_row_positions(row_positions(*shape_, page.rows, std::move(before), range));
  }
  idle_ = false;
  told_ = encode(position_);
  told_at_ = now;
  page.batch.set_position(Position("", told_));
  return std::move(page.batch);
}

// --- resting -----------------------------------------------------------------------------------------

Task<std::optional<Batch>> Walk::rest() {
  if (opening_ && position_.cursor) opening_->end(position_.fence, position_.cursor->front());
  if (holding()) position_.safe.reset();  // all of it has been read
  co_await report();

  const TimePoint now = context_.clock.now();
  pause_.reset();
  if (context_.continuous) {
    pause_ = options_.poll;
  } else if (!at_start_ && !std::exchange(waited_for_start_, true)) {
    pause_ = std::max<Duration>(kLook, shape_->bound.behind + kLook - (now - began_));
  } else if (options_.hold && !position_.fence.ranges().empty() && now - began_ < options_.hold_wait) {
    pause_ = kLook;
  }
  std::string reached = encode(position_);
  const bool worth = reached != told_ && (!pause_ || now - told_at_ >= kTellIdle);
  if (idle_ && !worth) co_return std::nullopt;
  idle_ = true;
  told_ = std::move(reached);
  told_at_ = now;
  Batch batch(shape_->schema, Position("", told_));
  batch.set_caught_up(true);
  co_return batch;
}

Task<> Walk::report() {
  std::string why;
  std::string note;
  if (const auto open = open_to()) {
    if (holding()) {
      why = fmt::format("fence held {} by {}", open->first, open->second);
    } else {
      note = fmt::format("open to late commits for {}: {}", open->first, open->second);
    }
  }
  if (position_.delivered) {
    note = fmt::format("the server's clock went back: up to {}, only what was written since is delivered",
                       position_.delivered->up_to.front());
  }
  if (options_.late == LateCommits::Xid) {
    // The horizon always trails a little; one that stands still while others move is worth a word.
    const bool stands = seen_.xmin < seen_.xmax && seen_.xmin == horizon_;
    if (!stands) horizon_since_us_ = seen_.wall_us;
    horizon_ = seen_.xmin;
    const auto held = std::chrono::microseconds(seen_.wall_us - horizon_since_us_);
    if (stands && held >= kHoldWorthAWord) {
      why = co_await reader_.call("polling " + options_.table, [this](postgres::Session& session) {
        return describe_horizon(session, shape_->page);
      });
      if (!why.empty()) why = fmt::format("horizon held {} by {}", human_duration(held), why);
    }
  }
  context_.monitor.waiting_for(std::move(why));
  context_.monitor.note(std::move(note));
  context_.monitor.lag(lag(), std::nullopt);
}

std::optional<std::pair<std::string, std::string>> Walk::open_to() const {
  const auto& ranges = position_.fence.ranges();
  if (ranges.empty()) return std::nullopt;
  const auto held =
      std::chrono::microseconds(std::max<std::int64_t>(seen_.wall_us - ranges.front().since_us, 0));
  // Every range waits for a moment; only what a person would notice is worth a word.
  if (held < kHoldWorthAWord) return std::nullopt;
  return std::pair(human_duration(held), describe_holder(ranges.front(), holders_));
}

// Of the oldest row that is known to be, or may be, behind us; nullopt: nobody knows.
std::optional<Duration> Walk::lag() const {
  std::optional<std::int64_t> since;
  if (readable_) {
    if (shape_->bound.kind == UpperBound::Kind::Clock && position_.cursor) {
      since = microseconds_of(position_.cursor->front());
    }
    if (!since) return std::nullopt;
  }
  for (const OpenRange& range : position_.fence.ranges()) {
    if (holding() || range.due) since = std::min(since.value_or(range.since_us), range.since_us);
  }
  return std::chrono::microseconds(std::max<std::int64_t>(since ? seen_.wall_us - *since : 0, 0));
}

}  // namespace syncd::jobs
