// files: the lines of every file that some globs match, once or for ever, from where each was left.
#include <fmt/format.h>

#include <mutex>

#include "daemon/base/crash_point.hpp"
#include "daemon/base/file_system.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/loop/file_watch.hpp"
#include "daemon/loop/worker.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/sources/file_engine.hpp"
#include "jobs/sources/file_rewind.hpp"

namespace syncd::jobs {
namespace {

// What of a job stays from attempt to attempt, as long as its configuration does: a file that was deleted
// can be read only through the descriptor that is open.
struct Kept {
  explicit Kept(FilesOptions options_in) : options(std::move(options_in)), engine(options, interrupted) {}

  // A step that is short enough for the loop; nullopt: it is none, or somebody has the engine.
  std::optional<FileEngine::Step> short_step(TimePoint now, WallTime wall, const FileEngine::News& news) {
    const std::unique_lock lock(mutex, std::try_to_lock);
    if (!lock || !engine.step_is_short(now, news)) return std::nullopt;
    return engine.step(now, wall, news);
  }

  const FilesOptions options;
  std::atomic<bool> interrupted = false;
  bool lent = false;  // to a run; loop thread only
  std::mutex mutex;   // of the engine
  FileEngine engine;
};

// The engine for one read().  Whoever reads beside the run has an engine of his own.
class Loan {
 public:
  explicit Loan(std::shared_ptr<Kept> kept)
      : kept_(kept->lent ? std::make_shared<Kept>(kept->options) : std::move(kept)) {
    kept_->lent = true;
    kept_->interrupted = false;
  }
  ~Loan() { kept_->lent = false; }
  Loan(const Loan&) = delete;
  Loan& operator=(const Loan&) = delete;

  Kept& operator*() const noexcept { return *kept_; }
  Kept* operator->() const noexcept { return kept_.get(); }

 private:
  std::shared_ptr<Kept> kept_;
};

class Files final : public Source, public FileSource {
 public:
  Files(std::shared_ptr<Kept> kept, RunContext& context) : kept_(std::move(kept)), context_(context) {}

  Batches read(Positions from) override { return stream(*this, std::move(from)); }
  Task<> committed(const Position& position) override {
    committed_.push_back(position);
    co_return;
  }
  Task<CheckNotes> check() override;
  Task<Position> position_at(std::string where) override;
  Task<Rewind> rewind(std::string where, Positions held) override;
  std::string describe(const Position& position) const override;
  Task<std::vector<FileNote>> files() override;

 private:
  static Batches stream(Files& self, Positions from);

  std::shared_ptr<Kept> kept_;
  RunContext& context_;
  std::vector<Position> committed_;  // since the last step
};

struct Interrupt {
  std::atomic<bool>* flag;
  void operator()() const noexcept { flag->store(true, std::memory_order_relaxed); }
};

// Watches what the engine looks into; folders where that is of no use are looked at again and again.
std::set<std::string> watch(loop::FileWatch& watch, const std::set<std::string>& folders) {
  std::set<std::string> polled = watch.watch(folders);
  for (const std::string& folder : folders) {
    if (on_network(folder)) polled.insert(folder);
  }
  return polled;
}

Batches Files::stream(Files& self, Positions from) {
  const Loan kept(self.kept_);
  RunContext& context = self.context_;
  const bool to_the_end = !kept->options.follow || !context.continuous;
  coro::Signal changed(context.clock);
  loop::FileWatch watched(context.connections.loop(), [&changed] { changed.notify(); });
  loop::Worker worker(context.connections.loop(), "files/" + context.job);
  std::set<std::string> folders;
  std::set<std::string> polled;
  bool begun = false;
  while (true) {
    const std::stop_token* stop = co_await coro::this_coro::stop_token();
    std::optional<std::stop_callback<Interrupt>> interrupt;
    if (stop) interrupt.emplace(*stop, Interrupt{&kept->interrupted});
    FileEngine::News news;
    news.committed = std::exchange(self.committed_, {});
    auto changes = watched.take();
    news.written = std::move(changes.written);
    news.names = changes.names;
    const TimePoint now = context.clock.now();
    const WallTime wall = context.clock.wall_now();
    std::optional<FileEngine::Step> step;
    if (begun && polled.empty()) step = kept->short_step(now, wall, news);
    if (!step) {
      std::set<std::string> seen;
      auto done = co_await worker.call([&] {
        const std::lock_guard lock(kept->mutex);
        if (!begun) kept->engine.begin(from, to_the_end);
        begun = true;
        kept->engine.poll_folders(polled);
        auto taken = kept->engine.step(now, wall, news);
        seen = kept->engine.folders();
        return taken;
      });
      step = std::move(done);
      // A folder that came back, or that has come now, is watched again.
      if (!to_the_end && (seen != folders || news.names || !polled.empty())) {
        folders = std::move(seen);
        polled = watch(watched, folders);
      }
    }
    if (stop && stop->stop_requested()) throw coro::Cancelled();
    for (std::string& warning : step->warnings) context.monitor.warn(std::move(warning));
    context.monitor.lag(step->lag, std::nullopt);
    for (Batch& batch : step->batches) {
      crash_point("after_fetch");
      co_yield std::move(batch);
    }
    if (!step->batches.empty()) continue;
    if (step->done) co_return;
    if (step->again) co_await changed.wait_until(*step->again);
  }
}

Task<CheckNotes> Files::check() {
  const FilesOptions& options = kept_->options;
  loop::Worker worker(context_.connections.loop(), "files/check");
  CheckNotes notes;
  co_await worker.call([&] {
    const FileGlobs globs(options.paths, options.exclude, options.state_dir, options.follow_symlinks);
    const auto found = globs.walk();
    for (const std::string& folder : found.unreadable) {
      notes.push_back(
          {CheckNote::Level::Error, "cannot look into " + folder, "let the user that syncd runs as list it"});
    }
    std::size_t readable = 0;
    for (const std::string& path : found.paths) {
      const FileHandle file = open_regular(path, options.follow_symlinks);
      if (file) {
        ++readable;
      } else if (errno == EACCES || errno == EPERM) {
        notes.push_back(
            {CheckNote::Level::Error, "may not read " + path, "let the user that syncd runs as read it"});
      }
    }
    if (found.paths.empty()) {
      notes.push_back({CheckNote::Level::Warning, "no file is there yet that `paths` match", ""});
    } else {
      notes.push_back({CheckNote::Level::Note,
                       fmt::format("{} file{} match{} and can be read", readable, readable == 1 ? "" : "s",
                                   readable == 1 ? "es" : ""),
                       ""});
    }
    for (const std::string& folder : found.folders) {
      if (!options.follow || !on_network(folder)) continue;
      notes.push_back({CheckNote::Level::Note, folder + " is on a network: changes bring no event there",
                       "it is looked at every `poll`"});
    }
  });
  co_return notes;
}

Task<Position> Files::position_at(std::string where) {
  const std::string partition(kBeginPartition);
  if (where == "beginning") co_return Position(partition, encode(Begin::Beginning));
  if (where == "end") co_return Position(partition, encode(Begin::End));
  throw Error(
      ErrorKind::Config,
      fmt::format("'{}' is neither \"start\" (as start_at says), \"beginning\", \"end\" nor PATH:LINE, a "
                  "line of a file that was read",
                  where));
}

Task<Rewind> Files::rewind(std::string where, Positions held) {
  const std::optional<LineOfFile> line = line_of_file(where);
  if (!line) {
    Position to = co_await position_at(std::move(where));
    co_return Rewind(std::move(to));
  }
  loop::Worker worker(context_.connections.loop(), "files/rewind");
  std::atomic<bool> interrupted = false;
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  std::optional<std::stop_callback<Interrupt>> interrupt;
  if (stop) interrupt.emplace(*stop, Interrupt{&interrupted});
  auto position =
      co_await worker.call([&] { return position_before(*line, held, kept_->options, interrupted); });
  co_return Rewind(std::move(position), /*others_stay=*/true);
}

std::string Files::describe(const Position& position) const {
  if (position.text().empty()) return "at the beginning";
  if (position.partition() == kBeginPartition) {
    switch (decode_begin(position.text())) {
      case Begin::Beginning:
        return "every file from its beginning";
      case Begin::End:
        return "every file from its end";
      case Begin::Looked:
        return "files that come from now on: from their beginning";
    }
  }
  const FilePosition at = decode_file_position(position.text());
  std::string text = fmt::format("{} at {}", at.path, human_count(at.offset()));
  if (at.gone) text += ", gone since " + rfc3339(WallTime(std::chrono::seconds(*at.gone)));
  return text;
}

Task<std::vector<FileNote>> Files::files() {
  loop::Worker worker(context_.connections.loop(), "files/status");
  const TimePoint now = context_.clock.now();
  Kept& kept = *kept_;
  auto notes = co_await worker.call([&] {
    const std::lock_guard lock(kept.mutex);
    return kept.engine.notes(now);
  });
  co_return notes;
}

std::vector<std::string> guarantees(const FilesOptions& options) {
  std::vector<std::string> lines{
      "every line with its end that is in a matched file, and is not removed before it could be read, is "
      "delivered",
      "a file is known again when it is renamed, copied and truncated, replaced, compressed, or its inode "
      "used again",
      "not covered: what is truncated or deleted before it was read"};
  lines.push_back(fmt::format("a line above {} bytes is {}", options.max_line.count(),
                              options.on_long_line == LongLine::Truncate ? "truncated"
                              : options.on_long_line == LongLine::Split  ? "delivered in pieces"
                                                                         : "left out"));
  return lines;
}

Plan<Source> plan_files(const config::Table& table, PlanContext& context) {
  FilesOptions options = read_files_options(table, context);
  if (!table.refused("columns")) context.stream.columns = options.columns;
  if (!table.refused("paths") && !table.refused("exclude")) {
    context.stream.reads = [globs = FileGlobs(options.paths, options.exclude, options.state_dir,
                                              options.follow_symlinks)](std::string_view path) {
      return globs.matches(path);
    };
  }
  Plan<Source> plan;
  plan.guarantees = guarantees(options);
  // Made when the first component is: the options may have findings, and nobody runs then.
  auto kept = std::make_shared<std::shared_ptr<Kept>>();
  plan.make = [kept, options = std::move(options)](RunContext& run) {
    if (!*kept) *kept = std::make_shared<Kept>(options);
    return std::make_unique<Files>(*kept, run);
  };
  return plan;
}

}  // namespace

const SourceKind& files() {
  static const SourceKind kind{
      "files",
      "Reads the lines of files, once or for as long as they grow. Each file is known again after any "
      "rotation and goes on where it stopped.",
      [] { return files_fields().docs(); }, &plan_files};
  return kind;
}

}  // namespace syncd::jobs
