// A source, a sink and their surroundings that do what a test tells them: no server, no real time.
#pragma once
#include <gtest/gtest.h>

#include "daemon/coro/manual_clock.hpp"
#include "daemon/coro/scope.hpp"
#include "jobs/pipeline.hpp"
#include "jobs/plan.hpp"

namespace syncd::jobs::test {

inline std::shared_ptr<const Schema> schema(std::vector<std::string> columns = {"id", "name"}) {
  return std::make_shared<const Schema>(std::move(columns));
}

// Positions "pN" after row N of everything.
class CountedRows final : public RowPositions {
 public:
  explicit CountedRows(std::size_t first) : first_(first) {}
  Position after(std::size_t row) const override {
    return Position("", "p" + std::to_string(first_ + row + 1));
  }

 private:
  std::size_t first_;
};

// Rows first..first+count-1 as (id, "name N"), reaching position "p<first+count>".
inline Batch numbered(std::size_t first, std::size_t count) {
  static const auto columns = schema();
  Batch batch(columns, Position("", "p" + std::to_string(first + count)));
  for (std::size_t i = first; i < first + count; ++i) {
    batch.push_copy(std::to_string(i));
    batch.push_copy("name " + std::to_string(i));
  }
  batch.set_row_positions(std::make_shared<CountedRows>(first));
  return batch;
}

// Runs `task` to its end in virtual time; false: it waits for something that never comes.
inline bool run(ManualClock& clock, Task<> task) {
  bool done = false;
  std::exception_ptr failure;
  coro::AsyncScope scope;
  const auto guarded = [](Task<> inner, bool& finished, std::exception_ptr& error) -> Task<> {
    try {
      co_await std::move(inner);
    } catch (...) {
      error = std::current_exception();
    }
    finished = true;
  };
  scope.spawn(guarded(std::move(task), done, failure));
  while (!done && clock.advance_to_next()) {
  }
  if (!done) {
    scope.request_stop();
    while (scope.running() != 0 && clock.advance_to_next()) {
    }
    return false;
  }
  if (failure) std::rethrow_exception(failure);
  return true;
}

inline Batches from_list(std::shared_ptr<std::vector<Batch>> batches) {
  for (Batch& batch : *batches) co_yield std::move(batch);
}

// Every element of a generator.
inline std::vector<Batch> collect(ManualClock& clock, Batches batches) {
  std::vector<Batch> all;
  const auto pull = [](Batches from, std::vector<Batch>& into) -> Task<> {
    while (auto batch = co_await from.next()) into.push_back(std::move(*batch));
  };
  EXPECT_TRUE(run(clock, pull(std::move(batches), all)));
  return all;
}

}  // namespace syncd::jobs::test
