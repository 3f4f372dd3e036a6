#include "jobs/transforms/narrowed.hpp"

namespace syncd::jobs {
namespace {

std::shared_ptr<const Schema> part_of(const Schema& schema, const std::vector<std::size_t>& columns) {
  std::vector<std::string> names;
  std::vector<ColumnKind> kinds;
  for (const std::size_t column : columns) {
    names.push_back(schema.columns()[column]);
    kinds.push_back(schema.kind(column));
  }
  return std::make_shared<const Schema>(std::move(names), std::move(kinds));
}

}  // namespace

Batches narrowed(Batches upstream, ColumnChoice choose) {
  std::shared_ptr<const Schema> seen;
  std::shared_ptr<const Schema> narrow;
  std::vector<std::size_t> columns;
  while (auto batch = co_await upstream.next()) {
    if (batch->shared_schema() != seen) {
      seen = batch->shared_schema();
      columns = choose(*seen);
      narrow = part_of(*seen, columns);
    }
    batch->select(narrow, columns);
    co_yield std::move(*batch);
  }
}

}  // namespace syncd::jobs
