#include "tests/support/log_writers.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>
#include <random>
#include <stdexcept>

namespace syncd::test {
namespace {

// A log that is open for appending, as a program has it.
class Log {
 public:
  explicit Log(std::string path) : path_(std::move(path)) { open(); }
  ~Log() { ::close(fd_); }
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void append(const std::string& text) {
    // Now and then in two pieces: readers see half a line.
    const std::size_t first = text.size() % 7 == 0 ? text.size() / 2 : text.size();
    if (::write(fd_, text.data(), first) != static_cast<ssize_t>(first)) throw std::runtime_error("write");
    const auto left = static_cast<ssize_t>(text.size() - first);
    if (::write(fd_, text.data() + first, text.size() - first) != left) throw std::runtime_error("write");
  }
  std::string next_name() { return fmt::format("{}.{}", path_, ++generation_); }

  // The program writes on into the renamed file for a moment, then opens its log again.
  void rename(const std::string& last_words) {
    std::filesystem::rename(path_, next_name());
    append(last_words);
    ::close(fd_);
    open();
  }
  void copy_and_truncate() {
    std::filesystem::copy_file(path_, next_name());
    if (::ftruncate(fd_, 0) != 0) throw std::runtime_error("ftruncate");
  }
  void rename_and_compress() {
    const std::string name = next_name();
    std::filesystem::rename(path_, name);
    ::close(fd_);
    open();
    if (std::system(("gzip '" + name + "'").c_str()) != 0) throw std::runtime_error("gzip");
  }

 private:
  void open() {
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd_ < 0) throw std::runtime_error("open " + path_);
  }

  std::string path_;
  int fd_ = -1;
  int generation_ = 0;
};

}  // namespace

LogWriters::LogWriters(std::string folder, unsigned seed, unsigned count)
    : folder_(std::move(folder)), written_(count) {
  for (unsigned writer = 0; writer < count; ++writer) {
    threads_.emplace_back([this, writer, seed] { write(writer, seed + writer); });
  }
}

void LogWriters::stop() {
  stop_ = true;
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void LogWriters::write(unsigned writer, unsigned seed) {
  std::minstd_rand random(seed);
  Log log(fmt::format("{}/w{}.log", folder_, writer));
  std::uint64_t& number = written_[writer];
  const auto line = [&] {
    return fmt::format("{} {} {}\n", writer, number++, std::string(random() % 100, 'x'));
  };
  while (!stop_) {
    for (std::minstd_rand::result_type i = random() % 40; i != 0; --i) log.append(line());
    switch (random() % 100) {
      case 0:
        log.rename(line());
        break;
      case 1:
        log.copy_and_truncate();
        break;
      case 2:
        log.rename_and_compress();
        break;
      default:
        break;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 20));
  }
}

std::string difference(const std::vector<std::uint64_t>& written, const std::vector<LoggedLine>& lines) {
  std::map<std::pair<unsigned long, unsigned long>, std::vector<const LoggedLine*>> seen;
  for (const LoggedLine& line : lines) {
    std::size_t space = 0;
    const unsigned long writer = std::stoul(line.text, &space);
    seen[{writer, std::stoul(line.text.substr(space))}].push_back(&line);
  }
  constexpr std::size_t kMostNamed = 10;
  std::string out;
  std::size_t missing = 0;
  for (unsigned long writer = 0; writer < written.size(); ++writer) {
    for (unsigned long number = 0; number < written[writer]; ++number) {
      if (seen.count({writer, number}) == 0 && ++missing <= kMostNamed)
        out += fmt::format(" {}/{}", writer, number);
    }
  }
  if (missing != 0) out = fmt::format("{} missing:{}", missing, out);
  std::size_t doubled = 0;
  for (const auto& [line, from] : seen) {
    if (from.size() < 2 || ++doubled > kMostNamed) continue;
    out += fmt::format("; {}/{} came from", line.first, line.second);
    for (const LoggedLine* one : from) out += fmt::format(" {}@{}", one->file, one->offset);
  }
  if (doubled != 0) out += fmt::format("; {} doubled", doubled);
  return out;
}

}  // namespace syncd::test
