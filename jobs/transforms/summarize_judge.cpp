#include "jobs/transforms/summarize_judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "jobs/transforms/summarize_window.hpp"

namespace syncd::jobs {
namespace {

// What surrounds a prompt on its way to the model.
constexpr std::uint64_t kFrameTokens = 16;

// Without the marks of a block of code, which models like to put around JSON.
std::string_view unfenced(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n";
  constexpr std::string_view kFence = "```";
  const auto trim = [&] {
    text.remove_prefix(std::min(text.find_first_not_of(kSpace), text.size()));
    text = text.substr(0, text.find_last_not_of(kSpace) + 1);
  };
  trim();
  const auto first_line = text.find('\n');
  const bool fenced = text.substr(0, kFence.size()) == kFence && first_line != std::string_view::npos &&
                      text.size() >= first_line + 1 + kFence.size() &&
                      text.substr(text.size() - kFence.size()) == kFence;
  if (!fenced) return text;
  text = text.substr(first_line + 1, text.size() - first_line - 1 - kFence.size());
  trim();
  return text;
}

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

// Why it is no answer although it is complete; "" where it is one.  The JSON alone stays of it.
std::string Judge::objection(std::string& text) const {
  if (!schema_) return "";
  text = std::string(unfenced(text));
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (json.is_discarded()) return "the answer is no JSON";
  const std::string complaint = schema_->complaint(json);
  return complaint.empty() ? "" : "the answer does not meet `schema`: " + complaint;
}

Verdict Judge::judge(std::string text, const llm::End& end, const std::string& model, Way way,
                     const store::LlmUse& reserved) const {
  const llm::Usage usage = end.usage.value_or(llm::Usage{reserved.input, estimated_tokens(text.size())});
  Verdict verdict;
  verdict.use = priced(model, way, usage.input, usage.output);
  verdict.truncated = end.stop == llm::Stop::Truncated;
  const bool good =
      end.stop == llm::Stop::Complete || (verdict.truncated && on_truncated_ == OnTruncated::kAccept);
  const std::string objection = good ? this->objection(text) : "";
  if (!objection.empty()) {
    verdict.failure = llm::Failure(llm::FailureKind::Refused, objection);
  } else if (good) {
    verdict.answer = store::LlmAnswer{std::move(text), end.model.empty() ? model : end.model, verdict.use};
  } else if (!end.refusal.empty()) {
    verdict.failure = llm::Failure(llm::FailureKind::Refused, "the model refused: " + end.refusal);
  } else {
    verdict.failure = llm::Failure(llm::FailureKind::Refused,
                                   fmt::format("the model stopped before its answer was complete ({})",
                                               end.reason.empty() ? "no reason given" : end.reason));
  }
  return verdict;
}

}  // namespace syncd::jobs
