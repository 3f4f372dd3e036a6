// LogWriters: programs that log: each has a log of its own, writes numbered lines into it, and rotates it in
// every way.  What is in a line says who wrote it: "WRITER NUMBER TEXT".
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

namespace syncd::test {

class LogWriters {
 public:
  // Logs FOLDER/wN.log and, rotated, FOLDER/wN.log.G[.gz].
  LogWriters(std::string folder, unsigned seed, unsigned count = 4);
  ~LogWriters() { stop(); }
  LogWriters(const LogWriters&) = delete;
  LogWriters& operator=(const LogWriters&) = delete;

  void stop();
  // Lines that each has written; only after stop().
  const std::vector<std::uint64_t>& written() const noexcept { return written_; }

 private:
  void write(unsigned writer, unsigned seed);

  std::string folder_;
  std::atomic<bool> stop_ = false;
  std::vector<std::uint64_t> written_;
  std::vector<std::thread> threads_;
};

// What arrived of one line: its text, and where the source says that it stood.
struct LoggedLine {
  std::string text;
  std::string file;
  std::string offset;
};

// "" where `lines` hold each line of each writer once; else which are missing or came twice, and from where.
std::string difference(const std::vector<std::uint64_t>& written, const std::vector<LoggedLine>& lines);

}  // namespace syncd::test
