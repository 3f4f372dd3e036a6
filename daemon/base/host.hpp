// Who and where this process is, for people who read it elsewhere.
#pragma once
#include <string>

namespace syncd {

// "unknown" where the kernel does not say.
std::string host_name();

// "HOST pid NUMBER": what a sink keeps of who writes to it.
std::string this_process();

}  // namespace syncd
