#include "jobs/transforms/summarize_cuts.hpp"

#include <fmt/format.h>

namespace syncd::jobs {
namespace {

std::string shape_of(const std::string& job, const SummarizeOptions& options) {
  llm::Ask ask = options.ask;
  ask.system = options.prompt.system();
  ask.user = options.prompt.user("", 0, "");
  const WindowLimits& limits = options.window;
  std::string all = fmt::format("{} {} {} {} {} ", unit_of(ask), limits.rows, limits.bytes,
                                limits.tokens.value_or(0), limits.time.value_or(Duration::zero()).count());
  for (const auto* columns : {&options.key, &options.fields}) {
    for (const std::string& column : *columns) all += fmt::format("{}:{} ", column.size(), column);
    all += "; ";
  }
  return sha256(all + job);
}

}  // namespace

AskedCuts::AskedCuts(std::shared_ptr<store::LlmJournal> journal, const std::string& job,
                     const SummarizeOptions& options)
    : journal_(std::move(journal)), shape_(shape_of(job, options)) {}

std::optional<Cut> AskedCuts::at(const Position& before) const {
  const auto known = journal_->cut_at(shape_, before.partition(), before.text());
  if (!known) return std::nullopt;
  return Cut{known->rows, Position(known->partition, known->reached)};
}

void AskedCuts::remember(const std::vector<Span>& spans, WallTime now) const {
  std::vector<store::LlmCut> cuts;
  for (const Span& span : spans) {
    std::uint64_t rows = 0;
    for (const Window& window : span.windows) rows += window.rows;
    if (rows == 0) continue;
    cuts.push_back({span.before.partition(), span.before.text(), span.reached.text(), rows});
  }
  journal_->remember_cuts(shape_, cuts, now);
}

}  // namespace syncd::jobs
