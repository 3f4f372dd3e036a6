// syncctl top: a table of all jobs that keeps itself up to date.
#pragma once
#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

// Until the person leaves.  With --json: every change, an object a line, until the daemon ends.
ExitCode perform_top(const Arguments& arguments, Console& console);

}  // namespace syncd::ctl
