// Logging with a job's name: text for terminals, logfmt and JSON for containers, native fields for the
// journal. Every text is escaped before it leaves.  Levels by what an operator must do: debug for developers,
// info for "what you asked for happened", warn for "odd, nothing lost", error for "a human is needed".
#pragma once
#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace syncd::log {

enum class Level { Trace, Debug, Info, Warn, Error };
enum class Format { Auto, Text, Logfmt, Json, Journal };

// Auto: the journal where stderr is connected to it (JOURNAL_STREAM), else text.  Call once, from main.
void setup(Level level, Format format);
// From now on; thread-safe.
void set_level(Level level);

bool enabled(Level level);

// "debug", "info", "warn", "error".
std::string_view to_string(Level level) noexcept;
std::optional<Level> parse_level(std::string_view word) noexcept;

// Events that alerts are written for: MESSAGE_ID in the journal (sd_journal_print(3); made with
// `systemd-id128 new`, for ever the same), searched with `journalctl MESSAGE_ID=...`.
inline constexpr std::string_view kJobFailed = "5f1f6b5d2f8f4a4d9a3c9b1f6f0d7e21";
inline constexpr std::string_view kJobRecovered = "b0c2a9e4d7314c5ea8e1f2d36c94a05b";

// What a line is about.  A job's name alone is one.
struct About {
  template <std::convertible_to<std::string_view> Name>
  About(const Name& job_in, std::int64_t run_in = 0,
        std::string_view event_in = {})  // NOLINT: a name is enough
      : job(job_in), run(run_in), event(event_in) {}
  std::string_view job;    // "" : the daemon itself
  std::int64_t run;        // 0: none
  std::string_view event;  // a message id; "": none
};

// Thread-safe.
void write(Level level, const About& about, std::string_view text);

template <class... Args>
void debug(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Debug)) write(Level::Debug, about, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Info)) write(Level::Info, about, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Warn)) write(Level::Warn, about, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(const About& about, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, about, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace syncd::log
