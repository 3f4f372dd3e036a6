#include "jobs/transforms/summarize_desk.hpp"

#include <fmt/format.h>

#include "daemon/base/crash_point.hpp"
#include "jobs/transforms/summarize_prompt.hpp"
#include "jobs/transforms/summarize_window.hpp"

namespace syncd::jobs {
namespace {

constexpr Duration kFirstWait = std::chrono::seconds(1);
constexpr Duration kLongestBackoff = std::chrono::minutes(1);
constexpr std::uint32_t kRaise = 4;  // times the limit, where it was too low

std::string with_length(std::string_view text) { return fmt::format("{}:{}", text.size(), text); }

bool passing(const llm::Failure& failure) { return failure.kind() == ErrorKind::Transient; }

}  // namespace

// What a stream brought: its text and its end, or why it failed and whether it had begun.
struct Desk::Reply {
  Reply() = default;
  std::string text;
  std::optional<llm::End> end;
  std::optional<llm::Failure> failure;
  std::exception_ptr stopped;
};

// A question is open until what became of it is written down: then who waits for room looks again.
class Desk::Open {
 public:
  explicit Open(Desk& desk) : desk_(desk) { ++desk_.open_; }
  ~Open() {
    --desk_.open_;
    desk_.ended_.notify();
  }
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;

 private:
  Desk& desk_;
};

std::string unit_of(const llm::Ask& ask) {
  std::string all = fmt::format("1 {} ", ask.max_tokens);
  all += ask.temperature ? fmt::format("{} ", *ask.temperature) : "- ";
  all += ask.top_p ? fmt::format("{} ", *ask.top_p) : "- ";
  for (const std::string& stop : ask.stop) all += with_length(stop);
  if (!ask.schema.empty()) all += "schema " + with_length(ask.schema);
  return sha256(all + with_length(ask.model) + with_length(ask.system) + with_length(ask.user));
}

Desk::Desk(Clock& clock, llm::Provider& provider, std::shared_ptr<store::LlmJournal> journal,
           status::Relay& relay, Monitor& monitor, DeskOptions options, std::string job, std::string run)
    : clock_(clock),
      provider_(provider),
      journal_(std::move(journal)),
      relay_(relay),
      monitor_(monitor),
      options_(std::move(options)),
      job_(std::move(job)),
      run_(std::move(run)),
      judge_(provider, options_.on_truncated, options_.schema),
      streams_(clock, options_.in_flight),
      beginning_(clock, 1),
      ended_(clock) {
  // An open batch is waited for whatever the mode is now: it is paid for.
  if (options_.batch.mode == Mode::kStream && journal_->open_batches(job_).empty()) return;
  if (provider.batches() == nullptr) return;
  BatchPolicy policy{options_.budget, options_.on_ambiguous == OnAmbiguous::kHold, options_.attempts,
                     options_.longest_wait};
  batches_ = std::make_unique<BatchDesk>(clock, provider, journal_, monitor, judge_, options_.batch, policy,
                                         job_, run_);
}

Task<> Desk::close() {
  if (batches_) co_await batches_->close();
}

store::LlmAnswer Desk::foresee(const llm::Ask& ask) {
  const auto way = options_.batch.mode == Mode::kBatch ? Judge::Way::kBatch : Judge::Way::kStream;
  Question question;
  question.unit = unit_of(ask);
  question.model = ask.model;
  auto known = journal_->find(question.unit);
  const store::LlmUse use = known ? known->use : judge_.estimate(ask, way);
  question.input_tokens = use.input;
  question.output_tokens = use.output;
  question.cost = use.cost;
  question.answered = known.has_value();
  rehearsal_->asked(std::move(question));
  if (known) return *std::move(known);
  return store::LlmAnswer{kForeseen, ask.model, use};
}

Task<store::LlmAnswer> Desk::answer(llm::Ask ask) {
  if (rehearsal_ != nullptr) co_return foresee(ask);
  const std::string unit = unit_of(ask);
  const BatchDesk::Asker asker(batches_.get());
  const std::uint32_t limit = ask.max_tokens;
  unsigned failures = 0;
  while (true) {
    std::optional<llm::Failure> failed;
    bool truncated = false;
    try {
      store::LlmAnswer answer = co_await ask_once(ask, unit, truncated);
      co_return answer;
    } catch (const llm::Failure& failure) {
      failed = failure;
    }
    if (truncated && options_.on_truncated == OnTruncated::kRaise && ask.max_tokens == limit) {
      ask.max_tokens = limit * kRaise;
      show(unit, status::Piece::Kind::Again, failed->what());
      continue;
    }
    const bool too_long = failed->retry_after() && *failed->retry_after() > options_.longest_wait;
    if (!passing(*failed) || too_long || ++failures >= options_.attempts) {
      show(unit, status::Piece::Kind::Failed, failed->what());
      throw std::move(*failed);
    }
    show(unit, status::Piece::Kind::Again, failed->what());
    co_await wait(*failed, failures);
  }
}

Task<> Desk::wait(const llm::Failure& failure, unsigned failures) {
  const policy::Backoff backoff(kFirstWait, kLongestBackoff);
  const double chance = std::uniform_real_distribution<double>(0.0, 1.0)(random_);
  const Duration pause =
      std::max<Duration>(backoff.wait(failures, chance), failure.retry_after().value_or(Duration::zero()));
  monitor_.waiting_for(fmt::format("{}; asking again in {}", failure.what(), human_duration(pause)));
  co_await sleep_for(clock_, pause);
  monitor_.waiting_for("");
}

Task<store::LlmAnswer> Desk::ask_once(llm::Ask ask, std::string unit, bool& truncated) {
  if (auto known = journal_->find(unit)) co_return std::move(*known);
  if (batches_) {
    auto verdict = co_await batches_->answer(ask, unit);
    if (verdict) {
      truncated = verdict->truncated;
      if (verdict->failure) throw std::move(*verdict->failure);
      co_return std::move(*verdict->answer);
    }
  }
  const store::LlmUse reserved = judge_.estimate(ask, Judge::Way::kStream);
  const auto turn = co_await streams_.take_until(TimePoint::max());
  store::LlmRequest request{unit, job_, run_, ask.model, reserved};
  std::int64_t id = 0;
  const auto permit = co_await begun(std::move(request), id);
  const Open open(*this);
  Reply reply = co_await reply_to(ask, unit);
  if (reply.stopped) {
    journal_->in_doubt(id, "stopped while the answer was awaited", clock_.wall_now());
    std::rethrow_exception(reply.stopped);
  }
  if (reply.failure) {
    record_failure(id, *reply.failure, !reply.text.empty(), reserved);
    throw std::move(*reply.failure);
  }
  Verdict verdict = judge_.judge(std::move(reply.text), *reply.end, ask.model, Judge::Way::kStream, reserved);
  truncated = verdict.truncated;
  if (verdict.failure) {
    journal_->failed(id, verdict.failure->what(), verdict.use, clock_.wall_now());
    throw std::move(*verdict.failure);
  }
  journal_->answered(id, *verdict.answer, clock_.wall_now());
  show(unit, status::Piece::Kind::Done, "");
  co_return std::move(*verdict.answer);
}

// Returns when the request may be sent, and is in the journal as `id`.
Task<llm::Provider::Permit> Desk::begun(store::LlmRequest request, std::int64_t& id) {
  const auto first = co_await beginning_.take_until(TimePoint::max());
  co_await until_affordable(request);
  auto permit = co_await provider_.admit(request.estimate.input + request.estimate.output);
  const bool hold = options_.on_ambiguous == OnAmbiguous::kHold;
  id = journal_->begin(request, options_.budget, hold, clock_.wall_now());
  co_return permit;
}

// Open questions hold the whole of what they may cost, and give back most of it: without room beside them,
// the budget is not spent yet.
Task<> Desk::until_affordable(store::LlmRequest request) {
  while (true) {
    if (leaving_) throw coro::Cancelled();
    try {
      journal_->require_room(request, options_.budget, clock_.wall_now());
      co_return;
    } catch (const store::BudgetSpent&) {
      if (open_ == 0) throw;
    }
    co_await ended_.wait();
  }
}

void Desk::show(const std::string& unit, status::Piece::Kind kind, const std::string& text) {
  relay_.publish(job_, status::Piece(unit.substr(0, 8), kind, text));
}

// Nothing is thrown: what becomes of the request is written down by the caller.
Task<Desk::Reply> Desk::reply_to(llm::Ask ask, std::string unit) {
  Reply reply;
  try {
    llm::Pieces pieces = provider_.stream(std::move(ask));
    while (auto piece = co_await pieces.next()) {
      reply.text += piece->text;
      if (!piece->text.empty()) show(unit, status::Piece::Kind::Text, piece->text);
      if (piece->end) reply.end = std::move(piece->end);
    }
    crash_point("llm_answer_received");
  } catch (const llm::Failure& failure) {
    reply.failure = failure;
  } catch (...) {
    reply.stopped = std::current_exception();
  }
  co_return reply;
}

void Desk::record_failure(std::int64_t id, const llm::Failure& failure, bool began,
                          const store::LlmUse& estimate) {
  const WallTime now = clock_.wall_now();
  if (failure.ambiguous()) {
    journal_->in_doubt(id, failure.what(), now);
  } else {
    // Whoever fails in the middle of an answer may charge what was said until then.
    journal_->failed(id, failure.what(), began ? estimate : store::LlmUse(), now);
  }
}

}  // namespace syncd::jobs
