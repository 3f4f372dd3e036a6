#include "jobs/transforms/summarize_desk.hpp"

#include <fmt/format.h>

#include <cmath>

#include "daemon/base/crash_point.hpp"
#include "jobs/transforms/summarize_prompt.hpp"
#include "jobs/transforms/summarize_window.hpp"

namespace syncd::jobs {
namespace {

constexpr Duration kFirstWait = std::chrono::seconds(1);
constexpr Duration kLongestBackoff = std::chrono::minutes(1);
// What surrounds a prompt on its way to the model.
constexpr std::uint64_t kFrameTokens = 16;
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

std::string unit_of(const llm::Ask& ask) {
  std::string all = fmt::format("1 {} ", ask.max_tokens);
  all += ask.temperature ? fmt::format("{} ", *ask.temperature) : "- ";
  all += ask.top_p ? fmt::format("{} ", *ask.top_p) : "- ";
  for (const std::string& stop : ask.stop) all += with_length(stop);
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
      run_(std::move(run)) {}

store::LlmUse Desk::priced(const llm::Ask& ask, std::uint64_t input, std::uint64_t output) const {
  store::LlmUse use{input, output, 0};
  if (const auto price = provider_.price(ask.model)) {
    use.cost = static_cast<std::int64_t>(
        std::ceil(price->input * static_cast<double>(input) + price->output * static_cast<double>(output)));
  }
  return use;
}

// The whole of the limit is reserved: the budget is kept whatever the model says.
store::LlmUse Desk::estimate(const llm::Ask& ask) const {
  return priced(ask, estimated_tokens(ask.system.size() + ask.user.size()) + kFrameTokens, ask.max_tokens);
}

Task<store::LlmAnswer> Desk::answer(llm::Ask ask) {
  const std::string unit = unit_of(ask);
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
      continue;
    }
    const bool too_long = failed->retry_after() && *failed->retry_after() > options_.longest_wait;
    if (!passing(*failed) || too_long || ++failures >= options_.attempts) throw std::move(*failed);
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
  const store::LlmUse reserved = estimate(ask);
  const auto permit = co_await provider_.admit(reserved.input + reserved.output);
  store::LlmRequest request{unit, job_, run_, ask.model, reserved};
  const bool hold = options_.on_ambiguous == OnAmbiguous::kHold;
  const std::int64_t id = journal_->begin(request, options_.budget, hold, clock_.wall_now());
  Reply reply = co_await reply_to(ask, unit);
  if (reply.stopped) {
    journal_->in_doubt(id, "stopped while the answer was awaited", clock_.wall_now());
    std::rethrow_exception(reply.stopped);
  }
  if (reply.failure) {
    record_failure(id, *reply.failure, !reply.text.empty(), reserved);
    throw std::move(*reply.failure);
  }
  const llm::Usage usage =
      reply.end->usage.value_or(llm::Usage{reserved.input, estimated_tokens(reply.text.size())});
  store::LlmAnswer answer{std::move(reply.text), reply.end->model.empty() ? ask.model : reply.end->model,
                          priced(ask, usage.input, usage.output)};
  truncated = reply.end->stop == llm::Stop::Truncated;
  if (reply.end->stop == llm::Stop::Complete ||
      (truncated && options_.on_truncated == OnTruncated::kAccept)) {
    journal_->answered(id, answer, clock_.wall_now());
    co_return answer;
  }
  const std::string why = fmt::format("the model stopped before its answer was complete ({})",
                                      reply.end->reason.empty() ? "no reason given" : reply.end->reason);
  journal_->failed(id, why, answer.use, clock_.wall_now());
  throw llm::Failure(llm::FailureKind::Refused, why);
}

// Nothing is thrown: what becomes of the request is written down by the caller.
Task<Desk::Reply> Desk::reply_to(llm::Ask ask, std::string unit) {
  const auto show = [&](status::Piece::Kind kind, const std::string& text) {
    relay_.publish(job_, status::Piece(unit.substr(0, 8), kind, text));
  };
  Reply reply;
  try {
    llm::Pieces pieces = provider_.stream(std::move(ask));
    while (auto piece = co_await pieces.next()) {
      reply.text += piece->text;
      if (!piece->text.empty()) show(status::Piece::Kind::Text, piece->text);
      if (piece->end) reply.end = std::move(piece->end);
    }
    show(status::Piece::Kind::Done, "");
    crash_point("llm_answer_received");
  } catch (const llm::Failure& failure) {
    show(status::Piece::Kind::Failed, failure.what());
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
