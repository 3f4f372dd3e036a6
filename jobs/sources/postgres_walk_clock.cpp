// What Walk does when the clock of the server was set back: rows that are stamped from then on lie below what
// has been read.
#include <fmt/format.h>

#include "jobs/sources/postgres_walk.hpp"

namespace syncd::jobs {
namespace {

// For the moments between our readings of the clock and the server's.
constexpr Duration kSlack = std::chrono::seconds(1);

}  // namespace

// The least stamp that can have been given since the clock was set back, if it was by more than the last
// moment that is read twice, or held back, anyway.
Task<std::optional<std::string>> Walk::stamps_again(TimePoint asked) {
  if (options_.late != LateCommits::Fence || shape_->page.now.empty()) co_return std::nullopt;
  const auto back = server_clock_.read(asked, context_.clock.now(), seen_.wall_us);
  if (back && back->by > options_.settle) {
    const Duration ago = std::max<Duration>(back->since + kSlack, options_.settle);
    auto least = co_await reader_.call("polling " + options_.table, [&](postgres::Session& session) {
      const auto rows = session.exec(fmt::format("SELECT {}::text", clock_sql(shape_->bound, ago)));
      return std::make_optional(std::string(rows.text(0, 0)));
    });
    co_return least;
  }
  // Timestamps of ISO form are in the order of their text.
  if (position_.cursor && position_.cursor->front() > seen_.upper) co_return seen_.shown;
  co_return std::nullopt;
}

// Everything from there on is read again.  To hold, only what was written since: what was delivered is older.
Task<> Walk::follow_clock_back(TimePoint asked) {
  const std::optional<std::string> least = co_await stamps_again(asked);
  if (!least) co_return;
  auto& ranges = position_.fence.ranges();
  if (holding() && position_.way == Way::Hold) {
    // Whoever is stamped anew is not among those that the ranges wait for.
    ranges.clear();
    position_.safe.reset();
  } else {
    std::erase_if(ranges, [&](const OpenRange& range) { return range.low && range.low->front() >= *least; });
    for (OpenRange& range : ranges) range.high = std::min(range.high, *least);
  }
  if (!position_.cursor || position_.cursor->front() <= *least) co_return;
  const bool nothing_delivered = position_.cursor->inclusive && !position_.delivered;
  if (holding() && nothing_delivered) co_return;
  context_.monitor.warn(fmt::format("the server's clock went back: reading {}{} again from {}, was at {}",
                                    holding() ? "what was written since into " : "", options_.table, *least,
                                    position_.cursor->front()));
  if (holding() && !position_.delivered) {
    position_.delivered.emplace(PostgresPosition::Delivered{position_.cursor->values, position_.xmax});
  }
  position_.cursor = Start(CursorValues(1, *least), true);
}

}  // namespace syncd::jobs
