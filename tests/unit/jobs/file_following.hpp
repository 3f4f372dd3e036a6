// A FileEngine on a folder of its own, in virtual time, and what a sink would have of it.
#pragma once
#include <gtest/gtest.h>

#include <deque>
#include <fstream>
#include <functional>
#include <set>

#include "jobs/sources/file_engine.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::jobs::test {

class Following {
 public:
  explicit Following(const std::string& glob = "*.log*", bool follow = true) {
    options_.paths = {folder_ / glob};
    options_.follow = follow;
    options_.contents = {FileColumn::Line};
    options_.schema = std::make_shared<const Schema>(std::vector<std::string>{"line"});
  }

  FilesOptions& options() { return options_; }
  std::string path(const std::string& name) const { return folder_ / name; }
  void append(const std::string& name, const std::string& text) const {
    std::ofstream(path(name), std::ios::app | std::ios::binary) << text;
  }
  void rename(const std::string& from, const std::string& to) const {
    std::filesystem::rename(path(from), path(to));
  }
  void remove(const std::string& name) const { std::filesystem::remove(path(name)); }
  void copy(const std::string& from, const std::string& to) const {
    std::filesystem::copy_file(path(from), path(to), std::filesystem::copy_options::overwrite_existing);
  }
  void gzip(const std::string& from, const std::string& to) const {
    ASSERT_EQ(std::system(("gzip -c " + path(from) + " > " + path(to)).c_str()), 0);
  }
  void truncate(const std::string& name) const { std::filesystem::resize_file(path(name), 0); }

  // Another attempt, with the same descriptors.
  void begin(bool to_the_end = false) {
    if (!engine_) engine_.emplace(options_, interrupted_);
    engine_->begin(positions_, to_the_end);
    news_ = FileEngine::News();
    begun_ = true;
  }
  // Another process; what the sink had not made durable is lost.
  void restart() {
    engine_.reset();
    begun_ = false;
    ahead_.clear();
  }

  // What the sink says to a batch: how many rows it takes before it fails; all of them: it does not.
  std::function<std::size_t(const Batch&)> take = [](const Batch& batch) { return batch.rows(); };
  // How many batches are read before the first of them is made durable.
  std::size_t read_ahead = 0;
  // What happens between two steps, and behind a commit; false: the process is killed.
  std::function<bool()> meanwhile = [] { return true; };

  // Until nothing more happens within `time`.
  void run(Duration time = std::chrono::seconds(3)) {
    if (!begun_) begin();
    news_.names = true;
    go_on(time);
  }
  // The same where nothing has happened but that this file was written.
  void run_after_writing(const std::string& name) {
    news_.written.insert(path(name));
    go_on(std::chrono::seconds(3));
  }

  // Whether the next step is short, if this file was written and nothing else has happened.
  bool short_after_writing(const std::string& name) const {
    FileEngine::News news;
    news.written = {path(name)};
    return engine_->step_is_short(now_, news);
  }

  // Time passes in which nobody takes a step.
  void pass(Duration time) { now_ += time; }

  // Names have changed.
  void notice() { news_.names = true; }

  // Everything that came since the last call.
  std::vector<std::string> fresh() { return std::exchange(fresh_, {}); }
  std::vector<std::string> after_run() {
    run();
    return fresh();
  }
  std::vector<FileNote> notes() const { return engine_->notes(now_); }
  std::string state(const std::string& name) const {
    for (const FileNote& note : notes()) {
      if (note.file == path(name)) return note.state;
    }
    return "unknown";
  }
  Positions& positions() { return positions_; }

  std::vector<std::string> warnings;
  bool done = false;

 private:
  WallTime wall() const {
    return WallTime(std::chrono::duration_cast<WallTime::duration>(now_.time_since_epoch()));
  }
  void go_on(Duration time) {
    const TimePoint until = now_ + time;
    while (true) {
      if (!meanwhile()) return restart();
      auto step = engine_->step(now_, wall(), std::exchange(news_, FileEngine::News()));
      for (std::string& warning : step.warnings) warnings.push_back(std::move(warning));
      done = step.done;
      if (!step.batches.empty()) {
        std::move(step.batches.begin(), step.batches.end(), std::back_inserter(ahead_));
        while (ahead_.size() > read_ahead) {
          commit_next();
          if (!meanwhile()) return restart();
        }
      } else if (!ahead_.empty()) {
        commit_next();
      } else if (done || !step.again || *step.again > until) {
        break;
      } else {
        now_ = std::max(*step.again, now_ + std::chrono::milliseconds(1));
      }
    }
    now_ = std::max(now_, until);
  }
  void commit_next() {
    const Batch batch = std::move(ahead_.front());
    ahead_.pop_front();
    const std::size_t taken = take(batch);
    for (std::size_t row = 0; row < taken; ++row) fresh_.emplace_back(batch.cell(row, 0).text());
    const Position to = batch.position_at(taken, positions_.at(batch.partition()));
    if (taken == batch.rows() || taken > 0) positions_.advance(to);
    if (taken < batch.rows()) {
      ahead_.clear();
      return begin();
    }
    news_.committed.push_back(to);
  }

  syncd::test::TempDir folder_;
  FilesOptions options_;
  std::atomic<bool> interrupted_ = false;
  std::optional<FileEngine> engine_;
  bool begun_ = false;
  Positions positions_;
  std::deque<Batch> ahead_;
  FileEngine::News news_;
  TimePoint now_{std::chrono::hours(1000)};
  std::vector<std::string> fresh_;
};

}  // namespace syncd::jobs::test
