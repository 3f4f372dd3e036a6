// What each verb of syncctl does: calls, and what is shown of the replies.
#pragma once
#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

// Throws Failure.
ExitCode perform(const Arguments& arguments, Console& console);

}  // namespace syncd::ctl
