#include "jobs/transforms/summarize_batches.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "daemon/policy/backoff.hpp"
#include "jobs/transforms/summarize_batch_entry.hpp"

namespace syncd::jobs {
namespace {

// Whoever was answered may have another question at once.
constexpr Duration kAfterAnswers = std::chrono::milliseconds(5);

std::string new_marker() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

// What concerns the batch as a whole says nothing about a single record.
Error fatal(const llm::Failure& failure) {
  const ErrorKind kind = failure.kind() == ErrorKind::Data ? ErrorKind::Permanent : failure.kind();
  const Error error(kind, failure.what());
  return failure.retry_after() ? error.with_retry_after(*failure.retry_after()) : error;
}

}  // namespace

BatchDesk::BatchDesk(Clock& clock, llm::Provider& provider, std::shared_ptr<store::LlmJournal> journal,
                     Monitor& monitor, const Judge& judge, BatchOptions options, BatchPolicy policy,
                     std::string job, std::string run)
    : clock_(clock),
      provider_(provider),
      vendor_(provider),
      journal_(std::move(journal)),
      monitor_(monitor),
      judge_(judge),
      options_(options),
      policy_(policy),
      job_(std::move(job)),
      run_(std::move(run)),
      changed_(clock) {}

// --- those who ask ------------------------------------------------------------------------------------

Task<std::optional<Verdict>> BatchDesk::answer(const llm::Ask& ask, std::string unit) {
  // What is open is fetched although nobody asks for it any more: it is paid for.
  if (!over_ && !leaving_ && working_.running() == 0) working_.spawn(work_until_stopped());
  if (options_.mode == Mode::kStream && !journal_->in_batch(unit)) co_return std::nullopt;
  if (over_ && error_) std::rethrow_exception(error_);
  if (over_ || leaving_) throw coro::Cancelled();
  Entry entry(clock_, ask, std::move(unit), waiting_);
  changed_.notify();
  co_await entry.woken.wait();
  if (entry.error) std::rethrow_exception(entry.error);
  co_return std::move(entry.verdict);
}

void BatchDesk::more_to_come(bool more) {
  if (more_to_come_ == more) return;
  more_to_come_ = more;
  changed_.notify();
}

void BatchDesk::leave() {
  leaving_ = true;
  changed_.notify();
}

Task<> BatchDesk::close() {
  leave();
  co_await working_.join();
}

void BatchDesk::remove_and_wake(Entry& entry) {
  entry.leave();
  entry.woken.notify();
}

void BatchDesk::resolve(const std::string& unit, const Verdict& verdict) {
  for (auto found = waiting_.by_unit.find(unit); found != waiting_.by_unit.end();
       found = waiting_.by_unit.find(unit)) {
    found->second->verdict = verdict;
    remove_and_wake(*found->second);
  }
}

// --- the work -----------------------------------------------------------------------------------------

Task<> BatchDesk::work_until_stopped() {
  try {
    co_await work();
  } catch (...) {
    error_ = std::current_exception();
  }
  over_ = true;
  monitor_.waiting_for("");
  while (!waiting_.in_order.empty()) {
    Entry& entry = *waiting_.in_order.front();
    entry.error = error_;
    remove_and_wake(entry);
  }
}

Task<> BatchDesk::work() {
  std::vector<store::LlmBatch> before = journal_->open_batches(job_);
  for (store::LlmBatch& batch : before) co_await resume(std::move(batch));
  while (true) {
    co_await until_all_wait();
    if (worth_a_batch()) {
      co_await ask_together();
    } else {
      let_go_alone();
    }
    co_await rest(kAfterAnswers);
  }
}

// A batch of an earlier attempt, or of a process that has gone.
Task<> BatchDesk::resume(store::LlmBatch batch) {
  if (batch.connection != provider_.name()) {
    monitor_.warn(fmt::format("batch {} of connection {} stays open: the job asks another one now",
                              batch.vendor_id, batch.connection));
    co_return;
  }
  if (batch.state == store::LlmBatch::State::Planned) {
    journal_->end_batch(batch, false, "it was never sent", clock_.wall_now());
    co_return;
  }
  co_await settle(std::move(batch));
}

Task<> BatchDesk::rest(Duration time) {
  const TimePoint until = from_now(clock_, time);
  while (clock_.now() < until) {
    if (leaving_) throw coro::Cancelled();
    const bool happened = co_await changed_.wait_until(until);
    static_cast<void>(happened);
  }
}

Task<> BatchDesk::until_all_wait() {
  while (true) {
    if (leaving_) throw coro::Cancelled();
    const std::size_t count = waiting_.in_order.size();
    if (count != 0 && count == askers_ && !more_to_come_) co_return;
    co_await changed_.wait();
  }
}

// Throws what is not worth another try; waits before one that is.
Task<> BatchDesk::bear(const llm::Failure& failure) {
  const bool too_long = failure.retry_after() && *failure.retry_after() > policy_.longest_wait;
  if (failure.kind() != ErrorKind::Transient || too_long || ++failures_ >= policy_.attempts) {
    throw fatal(failure);
  }
  const policy::Backoff backoff(options_.poll.first, options_.poll.second);
  const double chance = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const Duration pause =
      std::max<Duration>(backoff.wait(failures_, chance), failure.retry_after().value_or(Duration::zero()));
  monitor_.waiting_for(fmt::format("{}; asking again in {}", failure.what(), human_duration(pause)));
  co_await rest(pause);
}

bool BatchDesk::worth_a_batch() const {
  if (options_.mode != Mode::kAuto) return options_.mode == Mode::kBatch;
  return options_.patient && waiting_.in_order.size() >= options_.auto_from;
}

void BatchDesk::let_go_alone() {
  while (!waiting_.in_order.empty()) remove_and_wake(*waiting_.in_order.front());
}

// --- one batch ----------------------------------------------------------------------------------------

Task<> BatchDesk::ask_together() {
  const std::string marker = new_marker();
  std::vector<std::string> entries;
  auto batch = planned(marker, entries);
  if (!batch) co_return;
  const bool open = co_await sent(*batch, entries);
  entries.clear();
  entries.shrink_to_fit();
  if (open) co_await settle(std::move(*batch));
}

// The first of each unit, as many as a batch takes; `entries` is what is sent of them.
std::vector<BatchDesk::Entry*> BatchDesk::chosen(std::vector<std::string>& entries,
                                                 const std::string& marker) const {
  const llm::BatchDialect& dialect = vendor_.dialect();
  const std::size_t most = std::min<std::size_t>(options_.requests, dialect.most_requests());
  const std::size_t most_bytes = std::min<std::size_t>(options_.bytes, dialect.most_bytes());
  std::vector<Entry*> chosen;
  std::set<std::string_view> units;
  std::size_t bytes = 0;
  for (Entry* entry : waiting_.in_order) {
    if (chosen.size() >= most || !units.insert(entry->unit).second) continue;
    std::string text = dialect.entry(custom_id(marker, entry->unit), entry->ask);
    if (!chosen.empty() && bytes + text.size() > most_bytes) break;
    bytes += text.size();
    chosen.push_back(entry);
    entries.push_back(std::move(text));
  }
  return chosen;
}

// Written down, and whoever may not ask now is told.  Nullopt: nobody may.
std::optional<store::LlmBatch> BatchDesk::planned(const std::string& marker,
                                                  std::vector<std::string>& entries) {
  std::vector<std::string> all;
  const std::vector<Entry*> wanted = chosen(all, marker);
  std::vector<store::LlmRequest> requests;
  for (const Entry* entry : wanted) {
    requests.push_back(
        {entry->unit, job_, run_, entry->ask.model, judge_.estimate(entry->ask, Judge::Way::kBatch)});
  }
  store::LlmPlan plan = journal_->plan_batch(provider_.name(), marker, requests, policy_.budget, policy_.hold,
                                             clock_.wall_now());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (!plan.refused[i]) {
      entries.push_back(std::move(all[i]));
      continue;
    }
    if (plan.later[i]) continue;  // for the next batch: this one counts with the real figures then
    wanted[i]->error = plan.refused[i];
    remove_and_wake(*wanted[i]);
  }
  return std::move(plan.batch);
}

// False: it was not made, as far as anybody can know; it is over.
Task<bool> BatchDesk::sent(store::LlmBatch& batch, const std::vector<std::string>& entries) {
  monitor_.waiting_for(fmt::format("a batch of {} is sent", batch.requests));
  std::string file;
  while (true) {
    std::optional<llm::Failure> failed;
    try {
      file = co_await vendor_.upload(batch.marker, entries);
    } catch (const llm::Failure& failure) {
      failed = failure;
    }
    if (!failed) break;
    const bool again = failed->kind() == ErrorKind::Transient && failures_ + 1 < policy_.attempts;
    if (!again) journal_->end_batch(batch, false, failed->what(), clock_.wall_now());
    co_await bear(*failed);
  }
  crash_point("llm_batch_uploaded");
  const bool open = co_await created(batch, entries, std::move(file));
  co_return open;
}

Task<bool> BatchDesk::created(store::LlmBatch& batch, const std::vector<std::string>& entries,
                              std::string file) {
  journal_->creating(batch, clock_.wall_now());
  std::optional<llm::Failure> failed;
  try {
    const llm::BatchView view = co_await vendor_.create(batch.marker, entries, std::move(file));
    failures_ = 0;
    journal_->opened(batch, view.id);
  } catch (const llm::Failure& failure) {
    failed = failure;
  }
  if (!failed) co_return true;
  // A server that is in trouble may have made it before it said so.
  const bool unknown = failed->ambiguous() || failed->reason() == llm::FailureKind::Retry;
  if (unknown) {
    const bool adopted = co_await found(batch);
    if (adopted) co_return true;
  }
  journal_->end_batch(batch, failed->ambiguous(), failed->what(), clock_.wall_now());
  co_await bear(*failed);
  co_return false;
}

}  // namespace syncd::jobs
