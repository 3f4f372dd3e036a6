// file: rows into a file as lines, exactly once: what a crash left half written is cut off by the next run.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "daemon/base/file_system.hpp"
#include "daemon/loop/worker.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/sinks/file_output.hpp"

namespace syncd::jobs {
namespace {

constexpr Duration kLong = std::chrono::milliseconds(5);
constexpr Duration kBusy = std::chrono::seconds(10);

struct FileOptions : OutputOptions, LineOptions {
  std::optional<std::string> rotated_name;
};

std::optional<std::string> wrong_name(const std::string& name) {
  std::string rest = name;
  const std::size_t at = rest.find("{time}");
  if (at == std::string::npos) return "must hold {time}, or one file would take the place of another";
  rest.erase(at, 6);
  if (rest.find_first_of("{}/") != std::string::npos) return "is a name with one {time} in it";
  return std::nullopt;
}

const config::Fields<FileOptions>& file_options() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<FileOptions>()
          .required("path", &FileOptions::path,
                    "the file; a relative one begins at the folder of this file. Beside it PATH.syncd is "
                    "kept: what of the file counts, and the position that it reaches")
          .example("/var/lib/app/orders.jsonl")
          .include(line_fields())
          .add("rotate_bytes", &FileOptions::rotate_bytes,
               "give the file another name and begin a new one at this size, or a little more: no batch is "
               "cut")
          .at_least(config::Bytes(1))
          .example("512MiB")
          .add("rotate_every", &FileOptions::rotate_every, "the same at this age")
          .at_least(1s)
          .example("1d")
          .add("rotated_name", &FileOptions::rotated_name,
               "that other name; {time} is the moment, such as 20261125T001500Z. Default: NAME.{time}")
          .example("orders-{time}.jsonl")
          .check(&wrong_name)
          .add("fsync_every", &FileOptions::fsync_every,
               "how long rows may be on their way to the disk, and up to 5 s longer where no more come: "
               "after a "
               "power cut that much is written again. "
               "0: no time, each commit waits for the disk")
          .at_most(1h);
  return all;
}

class FileSink final : public Sink {
 public:
  FileSink(const OutputOptions& options, const RowLines& lines, RunContext& context)
      : path_(options.path),
        context_(context),
        lines_(lines),
        output_(options, lines, context.job, context.instance) {}

  Task<CheckNotes> check() override;
  Task<std::optional<Positions>> open() override {
    auto work = thread().call([this] {
      remote_ = on_network(std::filesystem::path(path_).parent_path().string());
      return output_.open();
    });
    Positions positions = co_await work;
    pass_on_warnings();
    co_return std::optional<Positions>(std::move(positions));
  }
  Task<> commit(const Batch& batch, const Position&) override {
    const TimePoint begun = tell_time();
    if (is_quick(begun) && output_.write_is_short(batch)) {
      output_.write(batch);
      note_end(begun);
    } else {
      auto work = thread().call([this, &batch] { output_.write(batch); });
      co_await work;
    }
    pass_on_warnings();
  }
  Task<> settle(Settle why) override {
    if (why == Settle::CaughtUp && !output_.unsaved()) co_return;
    const TimePoint begun = tell_time();
    if (why == Settle::CaughtUp && is_quick(begun)) {
      output_.settle(why);
      note_end(begun);
      co_return;
    }
    auto work = thread().call([this, why] { output_.settle(why); });
    co_await work;
    pass_on_warnings();
  }
  Task<std::optional<Positions>> recall() override {
    auto work = thread().call([this] { return output_.recall(); });
    Positions positions = co_await work;
    co_return std::optional<Positions>(std::move(positions));
  }
  Task<> assign(const Positions& positions) override {
    auto work = thread().call([this, &positions] { output_.assign(positions); });
    co_await work;
  }
  Task<std::vector<std::string>> preview(const Batch& batch) override { co_return lines_.lines(batch); }

 private:
  // Its own: while it waits for the disk, the rows that come next are taken apart.
  loop::Worker& thread() {
    if (!worker_) worker_.emplace(context_.connections.loop(), "file");
    tell_time();
    return *worker_;
  }
  TimePoint tell_time() {
    const TimePoint now = context_.clock.now();
    output_.tell_time(now, context_.clock.wall_now());
    return now;
  }
  // What is short is done by the loop itself, unless the disk has kept it waiting: then not again so soon.
  bool is_quick(TimePoint now) const noexcept { return !remote_ && now >= busy_until_; }
  void note_end(TimePoint begun) {
    const TimePoint now = context_.clock.now();
    if (now - begun > kLong) busy_until_ = now + kBusy;
  }
  void pass_on_warnings() {
    for (std::string& warning : output_.take_warnings()) context_.monitor.warn(std::move(warning));
  }

  std::string path_;
  RunContext& context_;
  RowLines lines_;  // for preview(): those of the output belong to its thread
  FileOutput output_;
  bool remote_ = false;
  TimePoint busy_until_{};
  std::optional<loop::Worker> worker_;  // last: it ends before what it works on
};

Task<CheckNotes> FileSink::check() {
  CheckNotes notes;
  const auto error = [&notes](std::string text, std::string remedy) {
    notes.push_back(CheckNote{CheckNote::Level::Error, std::move(text), std::move(remedy)});
  };
  const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
  if (::access(folder.c_str(), W_OK | X_OK) != 0) {
    error(fmt::format("{} is no folder that files can be made in: {}", folder.string(), std::strerror(errno)),
          "make it, and let syncd write there");
  }
  std::error_code ignored;
  const auto status = std::filesystem::status(path_, ignored);
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    error(fmt::format("{} is no regular file", path_), "name another path");
  }
  co_return notes;
}

std::vector<std::string> written_files(const FileOptions& options, bool rotates) {
  std::vector<std::string> all{options.path, companion_path(options.path)};
  if (rotates) {
    std::string rotated = options.rotated;
    rotated.replace(rotated.find("{time}"), 6, "20260101T000000Z");
    all.push_back((std::filesystem::path(options.path).parent_path() / rotated).string());
  }
  return all;
}

Plan<Sink> plan_file(const config::Table& table, PlanContext& context) {
  FileOptions options;
  Plan<Sink> plan;
  plan.guarantees = {"exactly once: rows whose position was not written are cut off by the next run",
                     "one writer: a second daemon is refused as long as the first one lives"};
  file_options().read(table, options);
  std::filesystem::path path(options.path);
  if (path.is_relative()) path = std::filesystem::absolute(table.directory()) / path;
  options.path = path.lexically_normal().string();
  if (path.filename().empty() && !table.refused("path"))
    table.fail("path", "'path' must name a file, not a folder");
  options.rotated = options.rotated_name.value_or(path.filename().string() + ".{time}");
  const bool rotates = table.has("rotate_bytes") || table.has("rotate_every");
  if (options.rotated_name && !rotates && !table.refused("rotated_name")) {
    table.fail("rotated_name", "'rotated_name' has no effect without rotate_bytes or rotate_every");
  }
  if (context.stream.reads && !table.refused("path") && !table.refused("rotated_name")) {
    for (const std::string& written : written_files(options, rotates)) {
      if (!context.stream.reads(written)) continue;
      table.fail("path", fmt::format("the source of this job would read {}, which this sink writes: let its "
                                     "`exclude` name it, or write to another folder",
                                     written));
      break;
    }
  }
  const RowLines lines = RowLines::plan(table, options, context);
  const OutputOptions output = options;  // the rest has become lines
  plan.make = [output, lines](RunContext& run) { return std::make_unique<FileSink>(output, lines, run); };
  return plan;
}

}  // namespace

const SinkKind& file() {
  static const SinkKind kind{"file", "Rows into a file as lines, exactly once.",
                             [] { return file_options().docs(); }, &plan_file, /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
