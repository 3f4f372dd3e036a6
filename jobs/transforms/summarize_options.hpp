// What [[jobs.NAME.transforms]] of type "summarize" may say.
#pragma once
#include "config/fields.hpp"
#include "jobs/component.hpp"
#include "jobs/llm/answer.hpp"
#include "jobs/transforms/summarize_desk.hpp"
#include "jobs/transforms/summarize_prompt.hpp"
#include "jobs/transforms/summarize_window.hpp"

namespace syncd::jobs {

struct SummarizeOptions {
  std::string connection;
  llm::Ask ask;  // without the user part
  Prompt prompt{"", "", {}};
  std::optional<std::uint64_t> context;  // tokens of a prompt; larger windows are asked about in parts
  Prompt combine{"", "", {}};            // for the answers to the parts
  std::vector<std::string> fields;
  std::vector<std::string> key;
  WindowLimits window;
  DeskOptions desk;
  std::chrono::nanoseconds keep_answers = std::chrono::hours(24 * 90);
};

std::vector<config::FieldDoc> summarize_docs();

// Findings go to the table.
SummarizeOptions read_summarize_options(const config::Table& table, const PlanContext& context);

}  // namespace syncd::jobs
