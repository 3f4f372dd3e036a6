// syncctl llm: what models cost, and the requests whose fate nobody knows.
#pragma once
#include "daemon/ctl/arguments.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/console.hpp"

namespace syncd::ctl {

bool is_llm(Verb verb) noexcept;
// Precondition: is_llm(arguments.verb).
ExitCode perform_llm(const Arguments& arguments, Console& console);

}  // namespace syncd::ctl
