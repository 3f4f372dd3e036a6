// What the control socket may know and do about requests to models.
#include "daemon/app_control.hpp"
#include "daemon/base/log.hpp"
#include "daemon/store/llm_journal.hpp"

namespace syncd {
namespace {

control::ModelUse shown(const store::LlmUse& use) { return {use.input, use.output, use.cost}; }

}  // namespace

// Null where no model was ever asked: looking does not make a journal.
std::shared_ptr<store::LlmJournal> App::Control::llm_journal(const std::optional<std::string>& job) {
  if (job) job_of(*job);
  const std::filesystem::path& folder = app_.database_.directory();
  if (!std::filesystem::exists(folder / "llm.db")) return nullptr;
  return app_.configuration_->connections()->llm_journal(folder);
}

std::vector<control::ModelSpending> App::Control::llm_usage(const std::optional<std::string>& job,
                                                            std::uint64_t days) {
  std::vector<control::ModelSpending> all;
  const auto journal = llm_journal(job);
  if (!journal) return all;
  for (const store::LlmSpending& spent : journal->spending(job.value_or(""), days)) {
    all.push_back({spent.job, spent.day, spent.requests, spent.doubts, shown(spent.use)});
  }
  return all;
}

std::vector<control::AmbiguousRequest> App::Control::llm_ambiguous(const std::optional<std::string>& job) {
  std::vector<control::AmbiguousRequest> all;
  const auto journal = llm_journal(job);
  if (!journal) return all;
  for (const store::LlmDoubt& doubt : journal->doubts(job.value_or(""))) {
    all.push_back({doubt.id, doubt.job, doubt.model, doubt.unit, doubt.sent, doubt.why, shown(doubt.use)});
  }
  return all;
}

std::uint64_t App::Control::llm_resolve(const control::AmbiguousChoice& choice, bool paid) {
  const auto journal = llm_journal(choice.job);
  std::uint64_t resolved = 0;
  if (!journal) return resolved;
  for (const store::LlmDoubt& doubt : journal->doubts(choice.job.value_or(""))) {
    if (choice.id && *choice.id != doubt.id) continue;
    if (!journal->resolve(doubt.id, paid)) continue;
    ++resolved;
    log::info(doubt.job, "request {} to a model was resolved by the operator: {}", doubt.id,
              paid ? "it counts as paid" : "it was not paid");
  }
  return resolved;
}

}  // namespace syncd
