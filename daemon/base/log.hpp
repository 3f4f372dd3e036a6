// Logging with a job's name: text for terminals, JSON for containers, native fields for the journal.
// Every text is escaped before it leaves.  Levels by what an operator must do: debug for developers,
// info for "what you asked for happened", warn for "odd, nothing lost", error for "a human is needed".
#pragma once
#include <fmt/format.h>

#include <string>
#include <string_view>
#include <utility>

namespace syncd::log {

enum class Level { Trace, Debug, Info, Warn, Error };
enum class Format { Auto, Text, Json, Journal };

// Auto: the journal where stderr is connected to it (JOURNAL_STREAM), else text.  Call once, from main.
void setup(Level level, Format format);

bool enabled(Level level);

// `job` may be empty.  Thread-safe.
void write(Level level, std::string_view job, std::string_view text);

template <class... Args>
void debug(std::string_view job, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Debug)) write(Level::Debug, job, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void info(std::string_view job, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Info)) write(Level::Info, job, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void warn(std::string_view job, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(Level::Warn)) write(Level::Warn, job, fmt::format(format, std::forward<Args>(args)...));
}
template <class... Args>
void error(std::string_view job, fmt::format_string<Args...> format, Args&&... args) {
  write(Level::Error, job, fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace syncd::log
