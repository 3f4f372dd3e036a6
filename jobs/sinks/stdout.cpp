// stdout: rows as lines on the standard output, for `syncd --once JOB | ...` and for looking at them.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "daemon/loop/worker.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/sinks/disk_file.hpp"
#include "jobs/sinks/row_lines.hpp"

namespace syncd::jobs {
namespace {

constexpr std::size_t kPiece = 64 * 1024;

// A reader may be slow, and a terminal stopped: on a thread.
class Output {
 public:
  explicit Output(RowLines lines) : lines_(std::move(lines)) {}

  void write(const Batch& batch) {
    if (batch.empty()) return;
    lines_.bind(batch);
    buffer_.clear();
    if (!begun_) buffer_ = lines_.head();
    begun_ = true;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      lines_.append(buffer_, batch, row);
      if (buffer_.size() >= kPiece || row + 1 == batch.rows()) flush();
    }
  }

 private:
  void flush() {
    std::string_view text = buffer_;
    while (!text.empty()) {
      const ssize_t put = ::write(STDOUT_FILENO, text.data(), text.size());
      if (put < 0 && errno == EINTR) continue;
      if (put < 0) {
        const int error = errno;
        const Error failure = file_error("writing to", "the standard output", error);
        throw error == EPIPE ? Error(ErrorKind::Permanent, failure.what()) : failure;
      }
      text.remove_prefix(static_cast<std::size_t>(put));
    }
    buffer_.clear();
  }

  RowLines lines_;
  std::string buffer_;
  bool begun_ = false;
};

class StdoutSink final : public Sink {
 public:
  StdoutSink(const RowLines& lines, RunContext& context) : context_(context), lines_(lines), output_(lines) {}

  Task<CheckNotes> check() override { co_return CheckNotes(); }
  Task<std::optional<Positions>> open() override { co_return std::nullopt; }
  Task<> commit(const Batch& batch, const Position&) override {
    if (!worker_) worker_.emplace(context_.connections.loop(), "stdout");
    auto work = worker_->call([this, &batch] { output_.write(batch); });
    co_await work;
  }
  Task<> settle(Settle) override { co_return; }
  Task<std::optional<Positions>> recall() override { co_return std::nullopt; }
  Task<> assign(const Positions&) override { co_return; }
  Task<std::vector<std::string>> preview(const Batch& batch) override { co_return lines_.lines(batch); }

 private:
  RunContext& context_;
  RowLines lines_;  // for preview(): those of the output belong to its thread
  Output output_;
  std::optional<loop::Worker> worker_;
};

Plan<Sink> plan_stdout(const config::Table& table, PlanContext& context) {
  LineOptions options;
  Plan<Sink> plan;
  plan.guarantees = {
      "at least once: the position is kept in the state directory, after the rows were written"};
  line_fields().read(table, options);
  const RowLines lines = RowLines::plan(table, options, context);
  plan.make = [lines](RunContext& run) { return std::make_unique<StdoutSink>(lines, run); };
  return plan;
}

}  // namespace

const SinkKind& stdout_sink() {
  static const SinkKind kind{"stdout", "Rows as lines on the standard output, for `syncd --once JOB`.",
                             [] { return line_fields().docs(); }, &plan_stdout, /*repeats_harmlessly=*/false};
  return kind;
}

}  // namespace syncd::jobs
