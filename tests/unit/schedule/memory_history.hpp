// A History in memory, with the semantics of the store.
#pragma once
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/schedule/history.hpp"

namespace syncd::schedule::test {

class MemoryHistory final : public History {
 public:
  std::optional<JobState> state(const std::string& job) override {
    const auto found = states.find(job);
    return found == states.end() ? std::nullopt : std::optional(found->second);
  }
  void save(const std::string& job, const JobState& state) override { states[job] = state; }
  bool begin(RunRecord& run, const JobState& state) override {
    if (full) throw Error(ErrorKind::Transient, "the disk is full");
    states[run.job] = state;
    auto& mine = rows[run.job];
    const auto starts = [](Cause cause) { return cause == Cause::Schedule || cause == Cause::CatchUp; };
    if (starts(run.cause) && !started.insert({run.job, run.planned}).second) return false;
    run.id = ++last_id;
    mine.push_back(run);
    return true;
  }
  void go_on(const RunRecord& run) override { row(run) = run; }
  void end(const RunRecord& run, const JobState& state, bool fold) override {
    states[run.job] = state;
    row(run) = run;
    auto& mine = rows[run.job];
    if (!fold || mine.size() < 2) return;
    const RunRecord& previous = mine[mine.size() - 2];
    if (mine.back().id != run.id || previous.outcome != run.outcome || previous.error != run.error) return;
    mine.back().until = run.planned;
    mine.back().planned = previous.planned;
    mine.back().occurrences += previous.occurrences;
    mine.erase(mine.end() - 2);
  }
  void not_run(const RunRecord& row, const JobState& state) override {
    states[row.job] = state;
    auto& mine = rows[row.job];
    const bool joins = !mine.empty() && mine.back().cause == row.cause &&
                       mine.back().outcome == row.outcome && mine.back().error == row.error &&
                       mine.back().until.value_or(mine.back().planned) < row.planned;
    if (joins) {
      mine.back().until = row.until.value_or(row.planned);
      mine.back().occurrences += row.occurrences;
      return;
    }
    mine.push_back(row);
    mine.back().id = ++last_id;
  }
  std::optional<RunRecord> interrupted(const std::string& job) override {
    auto& mine = rows[job];
    const auto last = std::find_if(mine.rbegin(), mine.rend(), [](const RunRecord& run) {
      return run.ran() && run.outcome != "running";
    });
    if (last == mine.rend() || last->outcome != "interrupted") return std::nullopt;
    return *last;
  }
  void pause(const std::string& job, const std::string& reason, WallTime) override { pauses[job] = reason; }

  // As a daemon does when it starts after a kill -9.
  void close_interrupted() {
    for (auto& [job, mine] : rows) {
      for (RunRecord& run : mine) {
        if (run.outcome == "running") run.outcome = "interrupted";
      }
    }
  }
  // "succeeded 1, skipped 3": outcomes of a job in order, each with its occurrences.
  std::string summary(const std::string& job) const {
    std::string text;
    const auto found = rows.find(job);
    if (found == rows.end()) return text;
    for (const RunRecord& run : found->second) {
      text += (text.empty() ? "" : ", ") + run.outcome + " " + std::to_string(run.occurrences);
    }
    return text;
  }

  std::map<std::string, JobState> states;
  std::map<std::string, std::vector<RunRecord>> rows;
  std::set<std::pair<std::string, WallTime>> started;
  std::map<std::string, std::string> pauses;
  std::int64_t last_id = 0;
  bool full = false;

 private:
  RunRecord& row(const RunRecord& run) {
    auto& mine = rows.at(run.job);
    return *std::find_if(mine.rbegin(), mine.rend(), [&](const RunRecord& one) { return one.id == run.id; });
  }
};

}  // namespace syncd::schedule::test
