#include "daemon/app_progress.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdio>

#include "daemon/base/escape.hpp"

namespace syncd {
namespace {

// `text` cut to the width of the terminal: a line that wraps cannot be replaced.
std::string fitting(const std::string& text) {
  winsize size{};
  std::size_t room = 79;
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) room = size.ws_col - 1U;
  std::size_t end = 0;
  while (end < text.size() && room-- > 0) {
    end += std::max<std::size_t>(utf8_length(std::string_view(text).substr(end)), 1);
  }
  return text.substr(0, end);
}

}  // namespace

ProgressLine::ProgressLine() : terminal_(::isatty(STDERR_FILENO) == 1) {}

void ProgressLine::show(const std::string& job, const jobs::RunnerView& view) {
  if (!terminal_) return;
  std::string text = fmt::format("{}: {} rows", job, human_count(view.rows));
  const auto rate = static_cast<std::uint64_t>(view.rows_per_second);
  if (rate > 0) text += fmt::format(", {} rows/s", human_count(rate));
  if (!view.waiting_for.empty()) text += ", waiting: " + escaped(view.waiting_for);
  // The cursor goes back to the start, for the log line that may come next.
  fmt::print(stderr, "\r\033[K{}\r", fitting(text));
  std::fflush(stderr);
  shown_ = true;
}

void ProgressLine::clear() {
  if (shown_) fmt::print(stderr, "\r\033[K");
  shown_ = false;
}

}  // namespace syncd
