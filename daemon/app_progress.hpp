// ProgressLine: one line on stderr that tells how a run in the foreground goes; nothing where that is no
// terminal.  A log line in between replaces it.
#pragma once
#include <string>

#include "jobs/runner.hpp"

namespace syncd {

class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  void show(const std::string& job, const jobs::RunnerView& view);
  void clear();

 private:
  bool terminal_;
  bool shown_ = false;
};

}  // namespace syncd
