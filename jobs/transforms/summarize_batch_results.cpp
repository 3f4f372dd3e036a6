// What becomes of a batch once it may exist: it is found, watched, and read.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/base/escape.hpp"
#include "jobs/transforms/summarize_batch_entry.hpp"

namespace syncd::jobs {
namespace {

// Clocks differ: a batch that is older by more than this cannot be the one.
constexpr auto kClockSkew = std::chrono::hours(1);
// So many results tell whose a batch is, even where a vendor adds one of its own.
constexpr int kTold = 3;
// Results are written down in groups: of so many, or of so many bytes.
constexpr std::size_t kGroup = 64;
constexpr std::size_t kGroupBytes = 1024 * 1024;

bool too_old(const llm::BatchView& view, const store::LlmBatch& batch) {
  return view.created && *view.created + kClockSkew < batch.since;
}

// The vendor has no such thing, or takes it for a mistake to ask for it.
bool not_there(const llm::Failure& failure) {
  return failure.reason() == llm::FailureKind::NotFound || failure.kind() == ErrorKind::Data;
}

// Waits longer from time to time, but not for ever longer.
Duration longer(Duration wait, const config::DurationRange& range) {
  return std::min<Duration>(wait + wait / 2, range.second);
}

std::string since(const store::LlmBatch& batch) { return "since " + rfc3339(batch.since); }

}  // namespace

// What is known about the batches in the vendor's list.
struct BatchDesk::Search {
  std::set<std::string> others;  // that were looked into
  std::size_t undecided = 0;     // may be ours: it shows when they have ended
};

struct BatchDesk::Taken {
  std::vector<store::LlmSettled> settled;
  std::vector<std::pair<std::string, Verdict>> told;  // by unit
  std::size_t bytes = 0;
};

// Looks for a batch that the vendor may have made although its reply was lost; true: it is ours now.
Task<bool> BatchDesk::found(store::LlmBatch& batch) {
  Search search;
  Duration wait = options_.poll.first;
  while (true) {
    std::optional<llm::Failure> failed;
    bool adopted = false;
    try {
      adopted = co_await among_listed(batch, search);
    } catch (const llm::Failure& failure) {
      failed = failure;
    }
    if (adopted) co_return true;
    if (failed && not_there(*failed)) co_return false;  // there is no list to look into
    if (failed) {
      co_await bear(*failed);
      continue;
    }
    failures_ = 0;
    const bool long_enough = clock_.wall_now() - batch.since >= options_.poll.second;
    if (search.undecided == 0 && long_enough) co_return false;
    monitor_.waiting_for(fmt::format(
        "a batch of {} was asked for and no reply came: looking for it, {}{}", batch.requests, since(batch),
        search.undecided == 0 ? "" : fmt::format("; {} may be it", search.undecided)));
    co_await rest(wait);
    wait = longer(wait, options_.poll);
  }
}

// One look through the list.
Task<bool> BatchDesk::among_listed(store::LlmBatch& batch, Search& search) {
  const bool marked = vendor_.dialect().keeps_marker();
  search.undecided = 0;
  std::string path;
  do {
    llm::BatchPage page = co_await vendor_.list(path);
    path = page.next;
    for (llm::BatchView& view : page.batches) {
      if (too_old(view, batch)) path.clear();  // and so are all that follow
      const bool same_size = marked || view.total == batch.requests;
      if (!same_size || too_old(view, batch) || search.others.count(view.id) != 0) continue;
      if (journal_->knows_batch(batch.connection, view.id)) continue;
      const std::string id = view.id;
      if (!marked && !view.ended) {
        ++search.undecided;
        continue;
      }
      const bool ours = co_await is_ours(batch, std::move(view));
      if (ours) {
        journal_->opened(batch, id);
        co_return true;
      }
      search.others.insert(id);
    }
  } while (!path.empty());
  co_return false;
}

Task<bool> BatchDesk::is_ours(const store::LlmBatch& batch, llm::BatchView view) {
  if (vendor_.dialect().keeps_marker()) co_return view.marker == batch.marker;
  std::size_t too_long = 0;
  llm::Batches::Results results = vendor_.results(std::move(view), too_long);
  std::optional<llm::Failure> failed;
  bool ours = false;
  try {
    for (int i = 0; i < kTold && !ours; ++i) {
      const auto result = co_await results.next();
      if (!result) break;
      ours = !unit_prefix(batch.marker, result->custom_id).empty();
    }
  } catch (const llm::Failure& failure) {
    failed = failure;
  }
  // One whose results are gone is none of ours: those we read in time.
  if (failed && !not_there(*failed)) throw std::move(*failed);
  co_return ours;
}

Task<> BatchDesk::settle(store::LlmBatch batch) {
  if (batch.state == store::LlmBatch::State::Creating) {
    const bool adopted = co_await found(batch);
    if (!adopted) {
      journal_->end_batch(batch, true, "the reply was lost, and no batch of ours was listed",
                          clock_.wall_now());
      co_return;
    }
  }
  auto view = co_await ended(batch);
  if (!view) co_return;
  // So that whoever asks is told what became of it; those who are answered by streams never all wait.
  const bool asked_for = options_.mode != Mode::kStream || !waiting_.in_order.empty();
  if (asked_for) co_await until_all_wait();
  if (view->refusal) {
    journal_->end_batch(batch, false, view->refusal->what(), clock_.wall_now());
    co_await bear(*view->refusal);
    co_return;
  }
  co_await fetch(batch, std::move(*view));
  monitor_.waiting_for("");
}

// Nullopt: the vendor knows it no more.
Task<std::optional<llm::BatchView>> BatchDesk::ended(const store::LlmBatch& batch) {
  Duration wait = options_.poll.first;
  while (true) {
    std::optional<llm::Failure> failed;
    std::optional<llm::BatchView> view;
    try {
      view = co_await vendor_.look(batch.vendor_id);
    } catch (const llm::Failure& failure) {
      failed = failure;
    }
    if (failed && not_there(*failed) && !failed->ambiguous()) {
      journal_->end_batch(batch, true, failed->what(), clock_.wall_now());
      co_return std::nullopt;
    }
    if (failed) {
      co_await bear(*failed);
      continue;
    }
    failures_ = 0;
    if (view->ended) co_return view;
    monitor_.waiting_for(fmt::format("batch {} ({}): {} of {} done, {}", batch.vendor_id, escaped(view->word),
                                     view->done, batch.requests, since(batch)));
    co_await rest(wait);
    wait = longer(wait, options_.poll);
  }
}

// Reads the results until each request is accounted for.
Task<> BatchDesk::fetch(const store::LlmBatch& batch, llm::BatchView view) {
  while (true) {
    std::optional<llm::Failure> failed;
    std::size_t too_long = 0;
    try {
      co_await take_results(batch, view, too_long);
    } catch (const llm::Failure& failure) {
      failed = failure;
    }
    const bool gone = failed && not_there(*failed) && !failed->ambiguous();
    if (gone) {
      journal_->end_batch(batch, true, failed->what(), clock_.wall_now());
      co_return;
    }
    const std::uint64_t missing = journal_->unsettled(batch);
    if (missing == 0 || (!failed && view.cut_short)) break;
    if (!failed && too_long >= missing) {
      journal_->end_batch(batch, true, "its answer is too long", clock_.wall_now());
      throw Error(ErrorKind::Permanent,
                  fmt::format("{} of batch {} have answers that are too long", missing, batch.vendor_id));
    }
    if (!failed) {
      failed = llm::Failure(llm::FailureKind::Broken, fmt::format("{} of {} results of batch {} are missing",
                                                                  missing, batch.requests, batch.vendor_id));
    }
    co_await bear(*failed);
  }
  failures_ = 0;
  journal_->end_batch(batch, false, view.word, clock_.wall_now());
}

Task<> BatchDesk::take_results(const store::LlmBatch& batch, llm::BatchView view, std::size_t& too_long) {
  Taken taken;
  std::exception_ptr error;
  llm::Batches::Results results = vendor_.results(std::move(view), too_long);
  try {
    while (auto result = co_await results.next()) {
      take(batch, std::move(*result), taken);
      if (taken.settled.size() >= kGroup || taken.bytes >= kGroupBytes) write_down(taken);
    }
  } catch (...) {
    error = std::current_exception();  // what came before it is paid for
  }
  write_down(taken);
  if (error) std::rethrow_exception(error);
}

// A result that nobody asked for, or that came before, is passed over.
void BatchDesk::take(const store::LlmBatch& batch, llm::BatchResult result, Taken& taken) {
  const std::string prefix = unit_prefix(batch.marker, result.custom_id);
  if (prefix.empty()) return;
  const auto request = journal_->batched(batch, prefix);
  if (!request) return;
  for (const store::LlmSettled& before : taken.settled) {
    if (before.id == request->id) return;
  }
  taken.bytes += result.text.size();
  Verdict verdict;
  if (result.failure) {
    verdict.failure = std::move(result.failure);
  } else {
    verdict = judge_.judge(std::move(result.text), result.end, request->model, Judge::Way::kBatch,
                           request->estimate);
  }
  const std::string why = verdict.failure ? verdict.failure->what() : "";
  taken.settled.push_back({request->id, verdict.answer, why, verdict.use});
  taken.told.emplace_back(request->unit, std::move(verdict));
}

// On the disk first; then whoever asked is told.
void BatchDesk::write_down(Taken& taken) {
  if (taken.settled.empty()) return;
  journal_->settle(taken.settled, clock_.wall_now());
  for (const auto& [unit, verdict] : taken.told) resolve(unit, verdict);
  taken = Taken();
}

}  // namespace syncd::jobs
