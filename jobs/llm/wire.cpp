#include "jobs/llm/wire.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>

#include "daemon/http/retry_after.hpp"

namespace syncd::llm::wire {

Json object(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object())
    throw Failure(FailureKind::Broken, "what should be a JSON object is none").as_ambiguous();
  return json;
}

const Json& member(const Json& json, std::string_view name) {
  static const Json none;
  if (!json.is_object()) return none;
  const auto found = json.find(name);
  return found == json.end() ? none : *found;
}

std::string text(const Json& json, std::string_view name) {
  const Json& value = member(json, name);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::optional<std::uint64_t> count(const Json& json, std::string_view name) {
  const Json& value = member(json, name);
  if (!value.is_number_unsigned()) return std::nullopt;
  return value.get<std::uint64_t>();
}

bool flag(const Json& json, std::string_view name) {
  const Json& value = member(json, name);
  return value.is_boolean() && value.get<bool>();
}

namespace {

// What is shorter is no secret, and hiding it would leave nothing of the words.
constexpr std::size_t kShortestSecret = 4;

}  // namespace

Secrets::Secrets(const Options& options) {
  if (options.api_key) add(options.api_key->reveal());
  for (const auto& [name, value] : options.headers) {
    add(value);
    add(std::string_view(value).substr(value.find_last_of(' ') + 1));  // without "Bearer"
  }
  std::stable_sort(all_.begin(), all_.end(), [](const config::Secret& a, const config::Secret& b) {
    return a.reveal().size() > b.reveal().size();
  });
}

void Secrets::add(std::string_view secret) {
  if (secret.size() >= kShortestSecret) all_.emplace_back(secret);
}

std::string Secrets::hidden_in(std::string text) const {
  const std::string mark = config::Secret::redacted();
  for (const config::Secret& secret : all_) {
    for (auto at = text.find(secret.reveal()); at != std::string::npos;
         at = text.find(secret.reveal(), at + mark.size())) {
      text.replace(at, secret.reveal().size(), mark);
    }
  }
  return text;
}

std::string Report::words(const Secrets& secrets) const {
  std::string words = type.empty() ? code : type;
  if (!words.empty() && !message.empty()) words += ": ";
  return secrets.hidden_in(words + message);
}

Report report(const Json& error) {
  Report report;
  if (error.is_string()) {
    report.message = error.get<std::string>();
    return report;
  }
  report.type = text(error, "type");
  report.message = text(error, "message");
  const Json& code = member(error, "code");
  if (code.is_string()) report.code = code.get<std::string>();
  if (code.is_number_integer()) report.code = std::to_string(code.get<std::int64_t>());
  return report;
}

Report report_of_body(std::string_view body) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  const Json& error = member(json, "error");
  Report found = report(error.is_null() ? json : error);
  if (found.message.empty() && json.is_discarded()) found.message = body;
  return found;
}

std::optional<WallTime> rfc3339(std::string_view text) {
  // Takes `digits` digits and then `after` off the front.
  const auto number = [&text](std::size_t digits, std::string_view after) {
    int value = -1;
    const char* const end = text.data() + digits;
    if (text.size() < digits + after.size() || std::from_chars(text.data(), end, value).ptr != end ||
        text.substr(digits, after.size()) != after) {
      value = -1;
    }
    text.remove_prefix(std::min(text.size(), digits + after.size()));
    return value;
  };
  using namespace std::chrono;
  const int y = number(4, "-");
  const int m = number(2, "-");
  const int d = number(2, "T");
  const int hour = number(2, ":");
  const int minute = number(2, ":");
  const int second = number(2, "");
  const year_month_day date(year(y), month(static_cast<unsigned>(m)), day(static_cast<unsigned>(d)));
  if (y < 0 || m < 0 || d < 0 || !date.ok() || hour < 0 || minute < 0 || second < 0) return std::nullopt;
  WallTime time = sys_days(date) + hours(hour) + minutes(minute) + seconds(second);
  if (!text.empty() && text.front() == '.') {
    time += seconds(1);
    text.remove_prefix(std::min(text.find_first_not_of("0123456789", 1), text.size()));
  }
  if (text == "Z") return time;
  if (text.size() != 6 || (text.front() != '+' && text.front() != '-')) return std::nullopt;
  const int sign = text.front() == '+' ? 1 : -1;
  text.remove_prefix(1);
  const int offset_hours = number(2, ":");
  const int offset_minutes = number(2, "");
  if (offset_hours < 0 || offset_minutes < 0) return std::nullopt;
  return time - sign * (hours(offset_hours) + minutes(offset_minutes));
}

std::string address(const Options& options, std::string_view path) {
  std::string url = options.base_url;
  while (!url.empty() && url.back() == '/') url.pop_back();
  return url.append(path);
}

namespace {

http::Request made(const Options& options, const char* method, std::string_view path, const char* accept) {
  http::Request request(method, address(options, path));
  request.headers.push_back(std::string("accept: ") + accept);
  for (const auto& [name, value] : options.headers) request.headers.push_back(name + ": " + value);
  return request;
}

}  // namespace

http::Request post(const Options& options, std::string_view path, const Json& body) {
  http::Request request = made(options, "POST", path, "text/event-stream");
  request.headers.emplace_back("content-type: application/json");
  request.body = dump(body);
  return request;
}

http::Request get(const Options& options, std::string_view path) { return made(options, "GET", path, "*/*"); }

http::Request post_text(const Options& options, std::string_view path, std::string_view content_type,
                        std::string body) {
  http::Request request = made(options, "POST", path, "application/json");
  request.headers.push_back("content-type: " + std::string(content_type));
  request.body = std::move(body);
  return request;
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

std::string name(std::string text) {
  const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '-' || c == '_'; };
  if (text.empty() || text.size() > 200 || !std::all_of(text.begin(), text.end(), plain)) {
    throw Failure(FailureKind::Broken, fmt::format("'{}' is no name that could be asked for", text))
        .as_ambiguous();
  }
  return text;
}

Failure failure(FailureKind kind, int status, const http::Headers& headers, const std::string& words,
                WallTime now) {
  if (status == 404) kind = FailureKind::NotFound;  // whatever the body calls it
  const auto should_retry = headers.find("x-should-retry");
  const bool passing = kind == FailureKind::Retry || kind == FailureKind::RateLimited;
  if (should_retry == "true" && !passing) kind = FailureKind::Retry;
  if (should_retry == "false" && passing) kind = FailureKind::Invalid;
  return Failure(
      kind, words.empty() ? fmt::format("status {}", status) : fmt::format("status {}: {}", status, words),
      http::retry_after(headers, now));
}

}  // namespace syncd::llm::wire
