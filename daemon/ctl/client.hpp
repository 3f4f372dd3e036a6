// Client: a blocking end of the control socket, for a command line that does one thing at a time.
#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

#include "daemon/control/protocol.hpp"

namespace syncd::ctl {

using control::Json;

// sysexits.h, as far as we use it.
enum ExitCode : int {
  kDone = 0,
  kFailed = 1,
  kUsage = 64,
  kNoInput = 66,
  kUnavailable = 69,
  kBusy = 75,
  kNoPermission = 77,
  kConfig = 78,
};

// What ends syncctl: a text for the operator (already escaped) and the exit code.
class Failure : public std::runtime_error {
 public:
  Failure(ExitCode code, const std::string& text) : std::runtime_error(text), code_(code) {}
  ExitCode code() const noexcept { return code_; }

 private:
  ExitCode code_;
};

// The daemon has refused a configuration.
class InvalidConfiguration : public Failure {
 public:
  explicit InvalidConfiguration(Json findings)
      : Failure(kConfig, "the configuration is invalid; nothing was changed"),
        findings_(std::move(findings)) {}
  const Json& findings() const noexcept { return findings_; }

 private:
  Json findings_;
};

class Client {
 public:
  // Connects.  Throws Failure: kUnavailable (says how to start the daemon), kNoPermission (says which group).
  explicit Client(std::string path);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // The parameters of the last reply to io.syncd.Manager.`method`; `each` gets those that continue.  Every
  // error reply is a Failure.  `patience` is the longest silence; none: for ever.
  Json call(const std::string& method, Json parameters,
            std::optional<std::chrono::seconds> patience = std::chrono::seconds(30),
            const std::function<void(const Json&)>& each = nullptr);

 private:
  void send(const std::string& frame);
  control::Reply receive(std::optional<std::chrono::seconds> patience);

  std::string path_;
  int fd_ = -1;
  control::Framer framer_{control::kMaxReply};
};

}  // namespace syncd::ctl
