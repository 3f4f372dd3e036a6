// rebatch: cuts and joins batches to a size.  What is gathered goes on as soon as the source has nothing
// more for the moment, so nothing waits for rows that do not come.
#include "config/duration.hpp"
#include "jobs/catalogue.hpp"

namespace syncd::jobs {
namespace {

struct RebatchOptions {
  std::uint32_t rows = 1000;
  config::Bytes bytes = config::Bytes::mib(1);
};

const config::Fields<RebatchOptions>& rebatch_options() {
  static const auto all =
      config::Fields<RebatchOptions>()
          .add("rows", &RebatchOptions::rows, "rows in a batch at most")
          .range(1, 1'000'000)
          .add("bytes", &RebatchOptions::bytes, "text in a batch at most; a larger single row goes alone")
          .range(config::Bytes(1), config::Bytes::mib(256));
  return all;
}

// How many rows of `batch` from `begin` on fit; at least one where the batch gathered so far is empty.
std::size_t fitting(const Batch& batch, std::size_t begin, std::size_t rows, std::size_t bytes,
                    const RebatchOptions& limits) {
  std::size_t end = begin;
  while (end < batch.rows() && rows < limits.rows) {
    std::size_t size = 0;
    for (std::size_t column = 0; column < batch.schema().size(); ++column) {
      size += batch.cell(end, column).text().size();
    }
    if (rows > 0 && bytes + size > limits.bytes.count()) break;
    bytes += size;
    ++rows;
    ++end;
  }
  return end - begin;
}

class Rebatch final : public Transform {
 public:
  explicit Rebatch(RebatchOptions options) : options_(options) {}
  Batches apply(Batches upstream) override { return cut(options_, std::move(upstream)); }

 private:
  static Batches cut(RebatchOptions limits, Batches upstream) {
    std::optional<Batch> gathered;
    while (auto batch = co_await upstream.next()) {
      const bool other_stream = gathered && (gathered->partition() != batch->partition() ||
                                             gathered->shared_schema() != batch->shared_schema());
      if (other_stream) {
        co_yield std::move(*gathered);
        gathered.reset();
      }
      std::size_t begin = 0;
      do {
        // Without positions between its rows a batch stays whole: half of it could not be named.
        const std::size_t count = batch->divisible() ? fitting(*batch, begin, gathered ? gathered->rows() : 0,
                                                               gathered ? gathered->bytes() : 0, limits)
                                                     : batch->rows();
        Batch part = batch->slice(begin, begin + count, batch->position());
        begin += count;
        const bool full = begin < batch->rows();
        if (gathered) {
          gathered->append(std::move(part));
        } else {
          gathered.emplace(std::move(part));
        }
        if (full || gathered->rows() >= limits.rows || gathered->caught_up()) {
          co_yield std::move(*gathered);
          gathered.reset();
        }
      } while (begin < batch->rows());
    }
    if (gathered) co_yield std::move(*gathered);
  }
  RebatchOptions options_;
};

Plan<Transform> plan_rebatch(const config::Table& table, PlanContext&) {
  RebatchOptions options;
  Plan<Transform> plan;
  rebatch_options().read(table, options);
  plan.make = [options](RunContext&) { return std::make_unique<Rebatch>(options); };
  return plan;
}

}  // namespace

const TransformKind& rebatch() {
  static const TransformKind kind{"rebatch", "Cuts and joins batches to a size.",
                                  [] { return rebatch_options().docs(); }, &plan_rebatch};
  return kind;
}

}  // namespace syncd::jobs
