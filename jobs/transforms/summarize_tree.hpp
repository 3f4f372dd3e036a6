// Tree: asks about a window that is larger than a model's context: in parts, then about the answers to the
// parts, and so on until one answer is left.  Each question is one as any other: it is paid for once, and an
// unchanged part is free.
#pragma once
#include <string>
#include <vector>

#include "jobs/transforms/summarize_options.hpp"

namespace syncd::jobs {

// Whole lines where that can be, each part of at most so many bytes; a longer line is cut between two
// characters.
std::vector<std::string> parts_of(const std::string& lines, std::size_t most);

class Tree {
 public:
  // Both outlive it.
  Tree(Desk& desk, const SummarizeOptions& options) : desk_(desk), options_(options) {}

  // Whether it is asked about in parts.
  bool needed(std::size_t data, const std::string& key) const;
  // The last answer, with what all of them cost.  Throws as Desk::answer().
  Task<store::LlmAnswer> answer(std::string data, std::string key);

 private:
  class Level;
  std::size_t room(const Prompt& prompt, const std::string& key) const;
  Task<> ask_all(Level& level);
  Task<> ask_some(Level& level);

  Desk& desk_;
  const SummarizeOptions& options_;
};

}  // namespace syncd::jobs
