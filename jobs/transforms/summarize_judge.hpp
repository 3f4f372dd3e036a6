// Judge: what a model's reply is worth, and what it costs; the same for a stream and for a batch.
#pragma once
#include <array>
#include <memory>
#include <optional>
#include <string>

#include "config/fields.hpp"
#include "daemon/store/llm_journal.hpp"
#include "jobs/llm/provider.hpp"
#include "jobs/transforms/json_schema.hpp"

namespace syncd::jobs {

enum class OnTruncated { kBadRecord, kRaise, kAccept };
constexpr auto enum_names(OnTruncated) {
  return std::array{config::EnumName("bad_record", OnTruncated::kBadRecord),
                    config::EnumName("raise", OnTruncated::kRaise),
                    config::EnumName("accept", OnTruncated::kAccept)};
}

// An answer, or why there is none.  A class, not an aggregate: coroutines return it.
class Verdict {
 public:
  Verdict() = default;
  std::optional<store::LlmAnswer> answer;
  std::optional<llm::Failure> failure;
  bool truncated = false;
  store::LlmUse use;  // also of what is no answer
};

class Judge {
 public:
  enum class Way { kStream, kBatch };

  // `schema`: that answers must meet; null: any text will do.
  Judge(const llm::Provider& provider, OnTruncated on_truncated, std::shared_ptr<const JsonSchema> schema)
      : provider_(provider), on_truncated_(on_truncated), schema_(std::move(schema)) {}

  // Tokens at the price of the model, where that is known.
  store::LlmUse priced(const std::string& model, Way way, std::uint64_t input, std::uint64_t output) const;
  // Before it is asked: the whole of the limit counts, so that a budget is kept whatever the model says.
  store::LlmUse estimate(const llm::Ask& ask, Way way) const;
  // `model` was asked, `reserved` is its estimate.
  Verdict judge(std::string text, const llm::End& end, const std::string& model, Way way,
                const store::LlmUse& reserved) const;

 private:
  std::string objection(std::string& text) const;

  const llm::Provider& provider_;
  const OnTruncated on_truncated_;
  const std::shared_ptr<const JsonSchema> schema_;
};

}  // namespace syncd::jobs
