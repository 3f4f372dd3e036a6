#include "daemon/ctl/screen.hpp"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "daemon/ctl/client.hpp"

namespace syncd::ctl {
namespace {

constexpr std::string_view kEnter = "\033[?1049h\033[?25l\033[?7l";  // alternate screen, no cursor, no wrap
constexpr std::string_view kLeave = "\033[?7h\033[?25h\033[?1049l";

sigset_t ours() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH}) sigaddset(&set, number);
  return set;
}

void write_all(std::string_view text) noexcept {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;  // the terminal is gone: the next read says so
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

}  // namespace

Screen::Screen() {
  const char* kind = std::getenv("TERM");
  const bool able = kind != nullptr && *kind != '\0' && std::strcmp(kind, "dumb") != 0;
  if (!able || ::isatty(STDIN_FILENO) != 1 || ::isatty(STDOUT_FILENO) != 1) {
    throw Failure(kUsage,
                  "top needs a terminal; `syncctl status` prints once, `syncctl top --json` every change");
  }
  if (::tcgetattr(STDIN_FILENO, &before_) != 0)
    throw Failure(kFailed, "the terminal does not say how it is set");
  const sigset_t set = ours();
  ::sigprocmask(SIG_BLOCK, &set, nullptr);
  signals_ = ::signalfd(-1, &set, SFD_CLOEXEC);
  if (signals_ < 0) throw Failure(kFailed, std::string("signalfd: ") + std::strerror(errno));
  enter();
}

Screen::~Screen() {
  leave();
  ::close(signals_);
}

void Screen::enter() {
  termios raw = before_;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | ICRNL);
  raw.c_cc[VMIN] = 0;
  raw.c_cc[VTIME] = 0;
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
  write_all(kEnter);
  measure();
}

void Screen::leave() noexcept {
  write_all(kLeave);
  ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
}

void Screen::measure() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0) {
    width_ = size.ws_col;
    height_ = size.ws_row;
  }
  shown_.clear();
  write_all("\033[2J");
}

// Stops as Ctrl-Z asks, and goes on when the shell says so.
void Screen::suspend() {
  leave();
  ::raise(SIGSTOP);
  enter();
}

void Screen::draw(const std::vector<std::string>& lines) {
  std::string out;
  for (std::size_t i = 0; i < height_; ++i) {
    const std::string& line = i < lines.size() ? lines[i] : std::string();
    if (i < shown_.size() && shown_[i] == line) continue;
    out += "\033[" + std::to_string(i + 1) + ";1H" + line + "\033[K";
  }
  shown_ = lines;
  shown_.resize(height_);
  write_all(out);
}

Screen::Event Screen::wait(std::chrono::milliseconds time) {
  Event event;
  std::array<pollfd, 2> waiting = {pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{signals_, POLLIN, 0}};
  if (::poll(waiting.data(), waiting.size(), static_cast<int>(time.count())) <= 0) return event;
  if (waiting[1].revents != 0) {
    signalfd_siginfo signal{};
    if (::read(signals_, &signal, sizeof(signal)) == sizeof(signal)) {
      switch (signal.ssi_signo) {
        case SIGTSTP:
          suspend();
          event.resized = true;
          break;
        case SIGWINCH:
          measure();
          event.resized = true;
          break;
        default:
          event.leave = true;
          break;
      }
    }
  }
  if (waiting[0].revents != 0) {
    std::array<char, 256> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count > 0) {
      event.presses = presses({buffer.data(), static_cast<std::size_t>(count)});
    } else if (count == 0 || errno != EINTR) {
      event.leave = true;
    }
  }
  return event;
}

}  // namespace syncd::ctl
