// The lines of a file: what the whole pipeline makes of them in front of a sink that drops everything, beside
// the least that anybody could do.  Prints how many there were, and their bytes.
//
//   bench_lines null FILE       the source `files` in a pipeline; the sink counts
//   bench_lines getline FILE    std::getline
//   bench_lines memchr FILE     reads of 64 KiB, memchr, a call for each line
//   bench_lines copy FILE OUT   the same, each line put into a buffer that is written to OUT
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstring>
#include <fstream>

#include "daemon/base/error.hpp"
#include "daemon/base/memory.hpp"
#include "daemon/loop/event_loop.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/connections.hpp"
#include "jobs/pipeline.hpp"

namespace {

using namespace syncd;

constexpr std::size_t kChunk = 64 * 1024;

struct Count {
  std::uint64_t lines = 0;
  std::uint64_t bytes = 0;
  void add(std::string_view line) noexcept {
    ++lines;
    bytes += line.size();
  }
};

// --- ours ----------------------------------------------------------------------------------------------

class CountingSink final : public jobs::Sink {
 public:
  explicit CountingSink(Count& count) : count_(count) {}
  coro::Task<jobs::CheckNotes> check() override { co_return jobs::CheckNotes(); }
  coro::Task<std::optional<jobs::Positions>> open() override { co_return std::nullopt; }
  coro::Task<> commit(const jobs::Batch& batch, const jobs::Position&) override {
    for (std::size_t row = 0; row < batch.rows(); ++row) count_.add(batch.cell(row, 0).text());
    co_return;
  }
  coro::Task<> settle(jobs::Settle) override { co_return; }
  coro::Task<std::optional<jobs::Positions>> recall() override { co_return std::nullopt; }
  coro::Task<> assign(const jobs::Positions&) override { co_return; }
  coro::Task<std::vector<std::string>> preview(const jobs::Batch&) override {
    co_return std::vector<std::string>();
  }

 private:
  Count& count_;
};

class Surroundings final : public jobs::Monitor, public jobs::BadRecords, public jobs::Progress {
 public:
  void waiting_for(std::string) override {}
  void lag(std::optional<std::chrono::nanoseconds>, std::optional<std::uint64_t>) override {}
  void warn(std::string text) override { fmt::print(stderr, "{}\n", text); }
  void take(const jobs::BadRecord& bad) override { throw Error(ErrorKind::Data, bad.error); }
  void opened(const jobs::Positions&, bool) override {}
  void save(const jobs::Position&, bool) override {}
  void advanced(const jobs::Batch&) override {}
};

Count ours(const std::string& path) {
  Count count;
  const config::Config config;
  config::Job job;
  job.name = "bench";
  const config::Findings findings;
  const auto table = config::Table::parse_text(fmt::format("paths = [\"{}\"]\nmode = \"read\"", path),
                                               "bench.toml", findings);
  jobs::PlanContext planning(config, job);
  jobs::JobPlan plan(job, schedule::Schedule::parse("manual"));
  plan.source = jobs::files().plan(*table, planning);
  plan.sink.make = [&count](jobs::RunContext&) { return std::make_unique<CountingSink>(count); };
  if (!findings.empty()) throw Error(ErrorKind::Config, findings.text());

  keep_freed_memory();
  loop::EventLoop loop;
  jobs::Connections connections(loop, {});
  Surroundings surroundings;
  jobs::RunContext context(loop, connections, surroundings, surroundings, "bench", "bench");
  jobs::Pipeline pipeline(plan, context);
  loop.run(pipeline.run({}, surroundings, {}));
  return count;
}

// --- the others ----------------------------------------------------------------------------------------

Count by_getline(const std::string& path) {
  Count count;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) count.add(line);
  return count;
}

// Calls take(line) for each line, reads in pieces and keeps the rest of each.
template <class Take>
void split(const std::string& path, Take take) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  std::vector<char> buffer(2 * kChunk);
  std::size_t kept = 0;
  ssize_t got = 0;
  while ((got = ::read(fd, buffer.data() + kept, kChunk)) > 0) {
    const char* begin = buffer.data();
    const char* const end = begin + kept + got;
    const char* from = begin + kept;
    while (const auto* found =
               static_cast<const char*>(std::memchr(from, '\n', static_cast<std::size_t>(end - from)))) {
      take(std::string_view(begin, static_cast<std::size_t>(found - begin)));
      begin = from = found + 1;
    }
    kept = static_cast<std::size_t>(end - begin);
    std::memmove(buffer.data(), begin, kept);
    if (buffer.size() < kept + kChunk) buffer.resize(kept + kChunk);
  }
  ::close(fd);
}

__attribute__((noinline)) void take_one(Count& count, std::string_view line) { count.add(line); }

Count by_memchr(const std::string& path) {
  Count count;
  split(path, [&](std::string_view line) { take_one(count, line); });
  return count;
}

Count copy(const std::string& path, const std::string& to) {
  Count count;
  const int fd = ::open(to.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  std::string buffer;
  const auto flush = [&] {
    if (::write(fd, buffer.data(), buffer.size()) != static_cast<ssize_t>(buffer.size())) {
      throw Error(ErrorKind::Permanent, "writing " + to);
    }
    buffer.clear();
  };
  split(path, [&](std::string_view line) {
    take_one(count, line);
    buffer.append(line).push_back('\n');
    if (buffer.size() >= kChunk) flush();
  });
  flush();
  ::close(fd);
  return count;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv, argv + argc);
  const std::string mode = argc < 3 ? "" : words[1];
  try {
    Count count;
    if (mode == "null" && argc == 3) {
      count = ours(words[2]);
    } else if (mode == "getline" && argc == 3) {
      count = by_getline(words[2]);
    } else if (mode == "memchr" && argc == 3) {
      count = by_memchr(words[2]);
    } else if (mode == "copy" && argc == 4) {
      count = copy(words[2], words[3]);
    } else {
      fmt::print(stderr, "usage: bench_lines null|getline|memchr FILE | copy FILE OUT\n");
      return 64;
    }
    fmt::print("{} {}\n", count.lines, count.bytes);
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
  return 0;
}
