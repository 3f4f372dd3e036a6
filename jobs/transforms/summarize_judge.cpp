#include "jobs/transforms/summarize_judge.hpp"

#include <fmt/format.h>

#include <cmath>

#include "jobs/transforms/summarize_window.hpp"

namespace syncd::jobs {
namespace {

// What surrounds a prompt on its way to the model.
constexpr std::uint64_t kFrameTokens = 16;

}  // namespace

store::LlmUse Judge::priced(const std::string& model, Way way, std::uint64_t input,
                            std::uint64_t output) const {
  store::LlmUse use{input, output, 0};
  if (const auto price = provider_.price(model)) {
    const double factor = way == Way::kBatch ? price->batch : 1.0;
    use.cost = static_cast<std::int64_t>(std::ceil(
        factor * (price->input * static_cast<double>(input) + price->output * static_cast<double>(output))));
  }
  return use;
}

store::LlmUse Judge::estimate(const llm::Ask& ask, Way way) const {
  return priced(ask.model, way, estimated_tokens(ask.system.size() + ask.user.size()) + kFrameTokens,
                ask.max_tokens);
}

Verdict Judge::judge(std::string text, const llm::End& end, const std::string& model, Way way,
                     const store::LlmUse& reserved) const {
  const llm::Usage usage = end.usage.value_or(llm::Usage{reserved.input, estimated_tokens(text.size())});
  Verdict verdict;
  verdict.use = priced(model, way, usage.input, usage.output);
  verdict.truncated = end.stop == llm::Stop::Truncated;
  const bool good =
      end.stop == llm::Stop::Complete || (verdict.truncated && on_truncated_ == OnTruncated::kAccept);
  if (good) {
    verdict.answer = store::LlmAnswer{std::move(text), end.model.empty() ? model : end.model, verdict.use};
  } else {
    verdict.failure = llm::Failure(llm::FailureKind::Refused,
                                   fmt::format("the model stopped before its answer was complete ({})",
                                               end.reason.empty() ? "no reason given" : end.reason));
  }
  return verdict;
}

}  // namespace syncd::jobs
