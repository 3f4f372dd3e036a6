#include "daemon/ctl/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "daemon/ctl/client.hpp"

namespace syncd::ctl {
namespace {

constexpr std::size_t kNoTerminal = 4096;  // columns: nothing is cut in a file or a pipe

bool set(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0';
}

std::size_t width_of(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return Look().width;
}

}  // namespace

Console::Console() {
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  const char* kind = std::getenv("TERM");
  const bool dumb = kind == nullptr || std::strcmp(kind, "dumb") == 0;
  look_.width = terminal ? width_of(STDOUT_FILENO) : kNoTerminal;
  look_.colour = terminal && !dumb && !set("NO_COLOR");
  progress_ = ::isatty(STDERR_FILENO) == 1 && !dumb;
}

void Console::print(const std::string& text) const { fmt::print("{}", text); }

// ASCII only: a control or bidirectional character in a text does nothing to a terminal.
void Console::print(const control::Json& object) const {
  fmt::print("{}\n", object.dump(-1, ' ', true, control::Json::error_handler_t::replace));
}

void Console::progress(const std::string& line) {
  if (!progress_) return;
  fmt::print(stderr, "\r\033[K{}", line);
  std::fflush(stderr);
  shown_ = true;
}

void Console::end_progress() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

void Console::confirm(const std::string& question) const {
  if (::isatty(STDIN_FILENO) != 1) {
    throw Failure(kUsage, "nobody can be asked here (stdin is not a terminal): add --yes");
  }
  fmt::print(stderr, "{} [y/N] ", question);
  std::fflush(stderr);
  std::array<char, 16> answer{};
  const bool yes =
      std::fgets(answer.data(), answer.size(), stdin) != nullptr && (answer[0] == 'y' || answer[0] == 'Y');
  if (!yes) throw Failure(kFailed, "nothing was changed");
}

void Console::flush() const {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Failure(kFailed, fmt::format("writing the output: {}", std::strerror(errno)));
  }
}

}  // namespace syncd::ctl
