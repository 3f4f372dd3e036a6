// What a hand-over between coroutines costs: our generator and task beside the bare ones, in one program.
// Each pipeline is a source of integers, none or two stages that add one, and a consumer that adds up.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "bench/core/bare.hpp"
#include "daemon/coro/generator.hpp"
#include "daemon/coro/task.hpp"

namespace {

using namespace syncd;

using Number = std::int64_t;
using Numbers = std::vector<Number>;
constexpr Number kElements = 1'000'000;
constexpr Number kBatch = 500;

// The two contenders speak the same words, so that one text below serves both.
struct Ours {
  template <class T>
  using Generator = coro::AsyncGenerator<T>;
  using Task = coro::Task<Number>;
  static Number run(Task task) {
    coro::resume(task.handle());
    return task.handle().promise().take();
  }
};
struct Bare {
  template <class T>
  using Generator = bench::BareGenerator<T>;
  using Task = bench::BareTask<Number>;
  static Number run(Task task) { return task.run(); }
};

template <class C>
typename C::template Generator<Number> numbers(Number count) {
  for (Number i = 0; i < count; ++i) co_yield Number(i);
}

template <class C>
typename C::template Generator<Number> add_one(typename C::template Generator<Number> upstream) {
  while (auto number = co_await upstream.next()) co_yield *number + 1;
}

template <class C>
typename C::Task sum(typename C::template Generator<Number> upstream) {
  Number total = 0;
  while (auto number = co_await upstream.next()) total += *number;
  co_return total;
}

template <class C>
typename C::template Generator<Numbers> batches(Number count) {
  for (Number i = 0; i < count; i += kBatch) {
    Numbers batch(kBatch);
    for (Number k = 0; k < kBatch; ++k) batch[static_cast<std::size_t>(k)] = i + k;
    co_yield std::move(batch);
  }
}

template <class C>
typename C::template Generator<Numbers> add_one_each(typename C::template Generator<Numbers> upstream) {
  while (auto batch = co_await upstream.next()) {
    for (Number& number : *batch) ++number;
    co_yield std::move(*batch);
  }
}

template <class C>
typename C::Task sum_each(typename C::template Generator<Numbers> upstream) {
  Number total = 0;
  while (auto batch = co_await upstream.next()) {
    for (const Number number : *batch) total += number;
  }
  co_return total;
}

template <class C>
typename C::Task one(Number value) {
  co_return value;
}

template <class C>
typename C::Task await_many(Number count) {
  Number total = 0;
  for (Number i = 0; i < count; ++i) {
    const Number value = co_await one<C>(i);
    total += value;
  }
  co_return total;
}

// Runs `make()` to its end per iteration, and refuses a pipeline that lost an element.
template <class C, class Make>
void measure(benchmark::State& state, Number added, Make make) {
  constexpr Number kSum = kElements * (kElements - 1) / 2;
  for ([[maybe_unused]] const auto& iteration : state) {
    if (C::run(make()) != kSum + added * kElements) state.SkipWithError("an element was lost");
  }
  state.SetItemsProcessed(state.iterations() * kElements);
}

template <class C>
void one_stage(benchmark::State& state) {
  measure<C>(state, 0, [] { return sum<C>(numbers<C>(kElements)); });
}
template <class C>
void three_stages(benchmark::State& state) {
  measure<C>(state, 2, [] { return sum<C>(add_one<C>(add_one<C>(numbers<C>(kElements)))); });
}
template <class C>
void one_stage_batches(benchmark::State& state) {
  measure<C>(state, 0, [] { return sum_each<C>(batches<C>(kElements)); });
}
template <class C>
void three_stages_batches(benchmark::State& state) {
  measure<C>(state, 2, [] { return sum_each<C>(add_one_each<C>(add_one_each<C>(batches<C>(kElements)))); });
}
template <class C>
void task_await(benchmark::State& state) {
  measure<C>(state, 0, [] { return await_many<C>(kElements); });
}

BENCHMARK(one_stage<Ours>)->Name("ours/one_stage");
BENCHMARK(one_stage<Bare>)->Name("bare/one_stage");
BENCHMARK(three_stages<Ours>)->Name("ours/three_stages");
BENCHMARK(three_stages<Bare>)->Name("bare/three_stages");
BENCHMARK(one_stage_batches<Ours>)->Name("ours/one_stage_batches");
BENCHMARK(one_stage_batches<Bare>)->Name("bare/one_stage_batches");
BENCHMARK(three_stages_batches<Ours>)->Name("ours/three_stages_batches");
BENCHMARK(three_stages_batches<Bare>)->Name("bare/three_stages_batches");
BENCHMARK(task_await<Ours>)->Name("ours/task_await");
BENCHMARK(task_await<Bare>)->Name("bare/task_await");

}  // namespace

BENCHMARK_MAIN();
