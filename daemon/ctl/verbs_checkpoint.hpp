// syncctl checkpoint: where a job goes on, and how that is changed.
#pragma once
#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

bool is_checkpoint(Verb verb) noexcept;
// Precondition: is_checkpoint(arguments.verb).
ExitCode perform_checkpoint(const Arguments& arguments, Console& console);

}  // namespace syncd::ctl
