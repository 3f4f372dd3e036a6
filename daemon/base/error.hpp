// One exception type with a kind: policy switches on the kind, people read the text.
// The text is "doing: why"; context is added outwards with within().
#pragma once
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace syncd {

enum class ErrorKind {
  Config,     // what the operator wrote does not fit reality; needs a change of configuration
  Transient,  // may pass by itself: connection lost, out of memory, deadline; retried with back-off
  Permanent,  // will not pass by itself: table missing, access refused; the job fails at once
  Data,       // a record cannot be converted or written; on_bad_record decides
  Fenced,     // another daemon owns this job's sink; this run must not write any more
};

std::string_view to_string(ErrorKind kind) noexcept;

// No connection has this name.
inline constexpr const char* kNoServer = "(no server)";

class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}

  ErrorKind kind() const noexcept { return kind_; }

  // The peer's own wish for the wait before the next try; never negative.
  std::optional<std::chrono::nanoseconds> retry_after() const noexcept { return retry_after_; }
  Error with_retry_after(std::chrono::nanoseconds wait) const {
    Error copy = *this;
    copy.retry_after_ = wait;
    return copy;
  }

  // The connection whose server is at fault; "" where that is told by where it was thrown; kNoServer where
  // none is.
  const std::string& connection() const noexcept { return connection_; }
  Error with_connection(std::string name) const {
    Error copy = *this;
    copy.connection_ = std::move(name);
    return copy;
  }

  // The same error, seen from further outside: "context: text".
  Error within(std::string_view context) const {
    Error outer(kind_, std::string(context) + ": " + what());
    outer.retry_after_ = retry_after_;
    outer.connection_ = connection_;
    return outer;
  }

 private:
  ErrorKind kind_;
  std::optional<std::chrono::nanoseconds> retry_after_;
  std::string connection_;
};

// Another process holds what this one needs for itself (state directory, control socket).
class InUse : public Error {
 public:
  explicit InUse(const std::string& text) : Error(ErrorKind::Permanent, text) {}
};

}  // namespace syncd
