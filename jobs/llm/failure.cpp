#include "jobs/llm/failure.hpp"

#include "daemon/base/escape.hpp"

namespace syncd::llm {
namespace {

constexpr std::size_t kLongest = 500;  // bytes of a vendor's words

ErrorKind error_kind(FailureKind kind) {
  switch (kind) {
    case FailureKind::Retry:
    case FailureKind::RateLimited:
    case FailureKind::Broken:
      return ErrorKind::Transient;
    case FailureKind::NotFound:
    case FailureKind::Auth:
      return ErrorKind::Permanent;
    case FailureKind::Refused:
    case FailureKind::Invalid:
      break;
  }
  return ErrorKind::Data;
}

Error made(FailureKind kind, std::string_view text, std::optional<std::chrono::nanoseconds> retry_after) {
  const Error error(error_kind(kind), escaped(text.substr(0, kLongest)));
  return retry_after ? error.with_retry_after(*retry_after) : error;
}

}  // namespace

std::string_view to_string(FailureKind kind) noexcept {
  switch (kind) {
    case FailureKind::Retry:
      return "retry";
    case FailureKind::RateLimited:
      return "rate_limited";
    case FailureKind::Refused:
      return "refused";
    case FailureKind::Invalid:
      return "invalid";
    case FailureKind::NotFound:
      return "not_found";
    case FailureKind::Auth:
      return "auth";
    case FailureKind::Broken:
      return "broken";
  }
  return "?";
}

Failure::Failure(FailureKind kind, std::string_view text, std::optional<std::chrono::nanoseconds> retry_after)
    : Error(made(kind, text, retry_after)), reason_(kind) {}

FailureKind kind_of_status(int status) noexcept {
  switch (status) {
    case 401:
    case 402:
    case 403:
      return FailureKind::Auth;
    case 404:
      return FailureKind::NotFound;
    case 408:
    case 409:
      return FailureKind::Retry;
    case 429:
      return FailureKind::RateLimited;
    default:
      return status >= 500 ? FailureKind::Retry : FailureKind::Invalid;
  }
}

}  // namespace syncd::llm
