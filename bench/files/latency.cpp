// How long a line takes from the log into the file that a contestant writes.  Appends numbered lines of about
// 200 bytes, a millisecond's worth at a time, each with the time of its write; another thread is told by
// inotify when the output has grown.  Prints "SENT LOST DOUBLED P50 P99 MAX" in microseconds.
//
//   bench_latency RATE SECONDS LOG OUT      both files are there, and the contestant follows
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

constexpr std::string_view kRest =
    "203.0.113.7 - - [25/Nov/2026:10:00:00 +0000] \"GET /products/4711?page=3 HTTP/1.1\" 200 5316 "
    "\"https://shop.example.org/products\" \"Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Firefox/128.0\"";
constexpr std::chrono::seconds kPatience{10};

std::int64_t now() { return nanoseconds(Clock::now().time_since_epoch()).count(); }

// Line k is "bench K NANOSECONDS REST".
void append_lines(const std::string& log, int rate, int seconds) {
  const int fd = ::open(log.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const int each = std::max(rate / 1000, 1);
  std::int64_t number = 0;
  std::string text;
  Clock::time_point next = Clock::now();
  for (int tick = 0; tick < seconds * rate / each; ++tick) {
    std::this_thread::sleep_until(next);
    next += nanoseconds(1'000'000'000LL * each / rate);
    text.clear();
    const std::int64_t time = now();
    for (int i = 0; i < each; ++i) {
      fmt::format_to(std::back_inserter(text), "bench {} {} {}\n", number++, time, kRest);
    }
    if (::write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  }
  ::close(fd);
}

// Notes when each line arrives, until `count` of them did, or nothing comes any more.
class Watch {
 public:
  Watch(const std::string& out, std::size_t count) : taken_(count, -1) {
    inotify_ = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    ::inotify_add_watch(inotify_, out.c_str(), IN_MODIFY);
    fd_ = ::open(out.c_str(), O_RDONLY | O_CLOEXEC);
    ::lseek(fd_, 0, SEEK_END);
  }
  ~Watch() {
    ::close(fd_);
    ::close(inotify_);
  }

  void run() {
    Clock::time_point moved = Clock::now();
    while (arrived_ < taken_.size() && Clock::now() < moved + kPatience) {
      pollfd ready{inotify_, POLLIN, 0};
      if (::poll(&ready, 1, 100) > 0) {
        std::array<char, 4096> events;
        while (::read(inotify_, events.data(), events.size()) > 0) {
        }
      }
      if (read_on()) moved = Clock::now();
    }
  }

  void report() {
    std::vector<std::int64_t> times;
    for (const std::int64_t time : taken_) {
      if (time >= 0) times.push_back(time / 1000);
    }
    std::sort(times.begin(), times.end());
    const auto at = [&](double part) {
      return times.empty() ? -1 : times[static_cast<std::size_t>(part * double(times.size() - 1))];
    };
    fmt::print("{} {} {} {} {} {}\n", taken_.size(), taken_.size() - times.size(), doubled_, at(0.5),
               at(0.99), at(1));
  }

 private:
  bool read_on() {
    std::array<char, 64 * 1024> chunk;
    bool any = false;
    ssize_t got = 0;
    while ((got = ::read(fd_, chunk.data(), chunk.size())) > 0) {
      any = true;
      text_.append(chunk.data(), static_cast<std::size_t>(got));
      const std::int64_t time = now();
      std::size_t begin = 0;
      std::size_t end = 0;
      while ((end = text_.find('\n', begin)) != std::string::npos) {
        take(text_.c_str() + begin, time);
        begin = end + 1;
      }
      text_.erase(0, begin);
    }
    return any;
  }

  void take(const char* line, std::int64_t time) {
    long long number = 0;
    long long sent = 0;
    if (std::sscanf(line, "bench %lld %lld ", &number, &sent) != 2) return;
    std::int64_t& slot = taken_.at(static_cast<std::size_t>(number));
    if (slot >= 0) {
      ++doubled_;
      return;
    }
    slot = time - sent;
    ++arrived_;
  }

  int inotify_ = -1;
  int fd_ = -1;
  std::string text_;
  std::vector<std::int64_t> taken_;  // by number; -1: not yet
  std::size_t arrived_ = 0;
  std::size_t doubled_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    fmt::print(stderr, "usage: bench_latency RATE SECONDS LOG OUT\n");
    return 64;
  }
  const int rate = std::atoi(argv[1]);
  const int seconds = std::atoi(argv[2]);
  const int each = std::max(rate / 1000, 1);
  Watch watch(argv[4], static_cast<std::size_t>(seconds * rate / each * each));
  std::thread writer([&] { append_lines(argv[3], rate, seconds); });
  watch.run();
  writer.join();
  watch.report();
  return 0;
}
