// AskedCuts: where windows ended that were asked about.  After a restart the rows of an open batch, or of an
// answer that was not delivered yet, must not meet newer ones in their window: that would be another
// question, and paid for again.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/store/llm_journal.hpp"
#include "jobs/transforms/summarize_options.hpp"

namespace syncd::jobs {

class AskedCuts {
 public:
  AskedCuts(std::shared_ptr<store::LlmJournal> journal, const std::string& job,
            const SummarizeOptions& options);

  // How the span was that began there; nullopt: it was never asked about.
  std::optional<Cut> at(const Position& before) const;
  // Returns when they are on the disk: before anything is asked about them.
  void remember(const std::vector<Span>& spans, WallTime now) const;

 private:
  std::shared_ptr<store::LlmJournal> journal_;
  std::string shape_;  // digest of what else decides where windows end and what is asked about them
};

}  // namespace syncd::jobs
