// Session: one verb under way: what was said, where it is shown, and the daemon.
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

// A checkpoint is changed after the commit under way; a check asks servers that may be away.
inline constexpr std::chrono::seconds kLong{180};

class Session {
 public:
  // Connects; both outlive it.
  Session(const Arguments& arguments, Console& console)
      : arguments_(arguments), console_(console), client_(arguments.socket) {}

 protected:
  // Parameters that name the job, if one was named.
  Json job() const;
  std::vector<Json> jobs();
  // The status of the one job.
  status::JobStatus look();
  // Shows what a check found; returns how many errors there are.
  std::size_t report(const Json& findings);
  // The outcome of a verb that only does something.
  ExitCode done(const std::string& text);

  const Arguments& arguments_;
  Console& console_;
  Client client_;
};

}  // namespace syncd::ctl
