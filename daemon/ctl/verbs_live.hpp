// syncctl dry-run, follow, llm follow and logs: what a job would do, does, and has said.
#pragma once
#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

bool is_live(Verb verb) noexcept;
// Precondition: is_live(arguments.verb).
ExitCode perform_live(const Arguments& arguments, Console& console);

}  // namespace syncd::ctl
