// throttle: lets rows or bytes pass at a rate at most; the source is simply pulled more slowly.
#include "config/duration.hpp"
#include "daemon/policy/rate_limiter.hpp"
#include "jobs/catalogue.hpp"

namespace syncd::jobs {
namespace {

struct ThrottleOptions {
  std::optional<std::uint32_t> rows_per_second;
  std::optional<config::Bytes> bytes_per_second;
};

const config::Fields<ThrottleOptions>& throttle_options() {
  static const auto all =
      config::Fields<ThrottleOptions>()
          .add("rows_per_second", &ThrottleOptions::rows_per_second, "rows a second at most")
          .range(1, 1'000'000'000)
          .example("5000")
          .add("bytes_per_second", &ThrottleOptions::bytes_per_second, "text a second at most")
          .at_least(config::Bytes(1))
          .example("1MiB");
  return all;
}

class Throttle final : public Transform {
 public:
  Throttle(Clock& clock, ThrottleOptions options) : clock_(clock), options_(options) {}
  Batches apply(Batches upstream) override { return slow_down(clock_, options_, std::move(upstream)); }

 private:
  static Batches slow_down(Clock& clock, ThrottleOptions options, Batches upstream) {
    std::optional<policy::RateLimiter> rows;
    std::optional<policy::RateLimiter> bytes;
    if (options.rows_per_second) rows.emplace(*options.rows_per_second);
    if (options.bytes_per_second) bytes.emplace(static_cast<double>(options.bytes_per_second->count()));
    TimePoint free_at = clock.now();
    while (auto batch = co_await upstream.next()) {
      if (free_at > clock.now()) co_await sleep_until(clock, free_at);
      if (rows) free_at = std::max(free_at, rows->take(clock.now(), static_cast<double>(batch->rows())));
      if (bytes) free_at = std::max(free_at, bytes->take(clock.now(), static_cast<double>(batch->bytes())));
      co_yield std::move(*batch);
    }
  }
  Clock& clock_;
  ThrottleOptions options_;
};

Plan<Transform> plan_throttle(const config::Table& table, PlanContext&) {
  ThrottleOptions options;
  Plan<Transform> plan;
  throttle_options().read(table, options);
  if (!table.has("rows_per_second") && !table.has("bytes_per_second")) {
    table.fail("throttle needs rows_per_second or bytes_per_second");
  }
  plan.make = [options](RunContext& context) { return std::make_unique<Throttle>(context.clock, options); };
  return plan;
}

}  // namespace

const TransformKind& throttle() {
  static const TransformKind kind{"throttle", "Lets rows or bytes pass at a rate at most.",
                                  [] { return throttle_options().docs(); }, &plan_throttle};
  return kind;
}

}  // namespace syncd::jobs
