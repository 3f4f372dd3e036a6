// Why a model did not answer, whoever the vendor is; also when it says so within a stream that began well.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace syncd::llm {

enum class FailureKind {
  Retry,        // overloaded, out of order, unreachable
  RateLimited,  // too fast; retry_after() where the vendor says how long
  Refused,      // the vendor or its model declines this request
  Invalid,      // the request is wrong, or what answers is not a model
  NotFound,     // the address or the model: the configuration is wrong
  Auth,         // key, permission, or an account without money
  Broken,       // the answer was cut or makes no sense
};

std::string_view to_string(FailureKind kind) noexcept;

// Retry, RateLimited and Broken are Transient, NotFound and Auth are Permanent, Refused and Invalid are Data:
// they concern this one request.  The text is escaped: a server's words cannot move a terminal's cursor.
class Failure : public Error {
 public:
  Failure(FailureKind kind, std::string_view text,
          std::optional<std::chrono::nanoseconds> retry_after = std::nullopt);

  FailureKind reason() const noexcept { return reason_; }

  // The request was sent and nobody can know whether it was done and is to be paid.
  bool ambiguous() const noexcept { return ambiguous_; }
  Failure as_ambiguous() const {
    Failure copy = *this;
    copy.ambiguous_ = true;
    return copy;
  }

 private:
  FailureKind reason_;
  bool ambiguous_ = false;
};

// What a status says by itself.
FailureKind kind_of_status(int status) noexcept;

}  // namespace syncd::llm
