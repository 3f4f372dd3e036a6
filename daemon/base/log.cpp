#include "daemon/base/log.hpp"

#include <spdlog/formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <unistd.h>
#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>

#include "daemon/base/escape.hpp"
#include "daemon/base/log_memory.hpp"
#include "daemon/base/time.hpp"

namespace syncd::log {
namespace {

// spdlog's message carries no fields: the record under way on this thread is found here by the
// formatter and the journal sink, which run inside write().
struct Record {
  About about{""};
  std::string_view text;
};
thread_local Record current;

// A JSON string of ASCII alone: also what a terminal would act on is spelled out.
std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/true, nlohmann::json::error_handler_t::replace);
}

constexpr std::array<std::string_view, 5> kWords = {"trace", "debug", "info", "warn", "error"};

Level from_spdlog(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return Level::Trace;
    case spdlog::level::debug:
      return Level::Debug;
    case spdlog::level::info:
      return Level::Info;
    case spdlog::level::warn:
      return Level::Warn;
    default:
      return Level::Error;
  }
}
spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::Trace:
      return spdlog::level::trace;
    case Level::Debug:
      return spdlog::level::debug;
    case Level::Info:
      return spdlog::level::info;
    case Level::Warn:
      return spdlog::level::warn;
    case Level::Error:
      return spdlog::level::err;
  }
  return spdlog::level::err;
}

WallTime time_of(const spdlog::details::log_msg& message) {
  return std::chrono::time_point_cast<WallTime::duration>(message.time);
}

// 2026-03-01T10:00:00.123Z info  [users] text
class TextFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line =
        fmt::format("{} {:<5} ", rfc3339(time_of(message)), to_string(from_spdlog(message.level)));
    if (!current.about.job.empty()) line += fmt::format("[{}] ", current.about.job);
    line += escaped(current.text);
    line += '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<TextFormatter>(); }
};

// time=2026-03-01T10:00:00.123Z level=info job=users run=12 msg="text"
class LogfmtFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line =
        fmt::format("time={} level={}", rfc3339(time_of(message)), to_string(from_spdlog(message.level)));
    if (!current.about.job.empty()) line += fmt::format(" job={}", current.about.job);
    if (current.about.run != 0) line += fmt::format(" run={}", current.about.run);
    line += " msg=" + json_text(current.text) + '\n';
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LogfmtFormatter>(); }
};

class JsonFormatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    std::string line = fmt::format(R"({{"time":"{}","level":"{}")", rfc3339(time_of(message)),
                                   to_string(from_spdlog(message.level)));
    if (!current.about.job.empty()) line += ",\"job\":" + json_text(current.about.job);
    if (current.about.run != 0) line += fmt::format(",\"run\":{}", current.about.run);
    line += ",\"message\":" + json_text(current.text) + "}\n";
    out.append(line.data(), line.data() + line.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<JsonFormatter>(); }
};

class JournalSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    static constexpr std::array<int, 5> kPriorities = {LOG_DEBUG, LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERR};
    const std::string text = "MESSAGE=" + escaped(current.text);
    const std::string priority =
        fmt::format("PRIORITY={}", kPriorities[static_cast<std::size_t>(from_spdlog(message.level))]);
    const std::string job = fmt::format("SYNCD_JOB={}", current.about.job);
    const std::string run = fmt::format("SYNCD_RUN={}", current.about.run);
    const std::string event = fmt::format("MESSAGE_ID={}", current.about.event);
    static const std::string identifier = "SYSLOG_IDENTIFIER=syncd";
    std::array<iovec, 6> fields;
    int count = 0;
    const auto add = [&](const std::string& field) {
      fields[static_cast<std::size_t>(count++)] = iovec{const_cast<char*>(field.data()), field.size()};
    };
    add(text);
    add(priority);
    add(identifier);
    if (!current.about.job.empty()) add(job);
    if (current.about.run != 0) add(run);
    if (!current.about.event.empty()) add(event);
    sd_journal_sendv(fields.data(), count);
  }
  void flush_() override {}
};

bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &info) != 0) return false;
  return fmt::format("{}:{}", info.st_dev, info.st_ino) == stream;
}

}  // namespace

void setup(Level level, Format format) {
  if (format == Format::Auto) format = stderr_is_the_journal() ? Format::Journal : Format::Text;
  std::shared_ptr<spdlog::logger> logger;
  if (format == Format::Journal) {
    logger = std::make_shared<spdlog::logger>("syncd", std::make_shared<JournalSink>());
  } else {
    logger = std::make_shared<spdlog::logger>("syncd", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    if (format == Format::Json) {
      logger->set_formatter(std::make_unique<JsonFormatter>());
    } else if (format == Format::Logfmt) {
      logger->set_formatter(std::make_unique<LogfmtFormatter>());
    } else {
      logger->set_formatter(std::make_unique<TextFormatter>());
    }
  }
  logger->set_level(to_spdlog(level));
  logger->flush_on(spdlog::level::trace);
  spdlog::set_default_logger(std::move(logger));
}

void set_level(Level level) { spdlog::default_logger_raw()->set_level(to_spdlog(level)); }

std::string_view to_string(Level level) noexcept { return kWords[static_cast<std::size_t>(level)]; }

std::optional<Level> parse_level(std::string_view word) noexcept {
  const auto found = std::find(kWords.begin(), kWords.end(), word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<Level>(found - kWords.begin());
}

bool enabled(Level level) { return spdlog::default_logger_raw()->should_log(to_spdlog(level)); }

void write(Level level, const About& about, std::string_view text) {
  current = Record{about, text};
  spdlog::default_logger_raw()->log(to_spdlog(level), spdlog::string_view_t(text.data(), text.size()));
  current = Record{};
  if (enabled(level)) memory().add(wall_now(), level, about, text);
}

}  // namespace syncd::log
