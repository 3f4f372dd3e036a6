// "Since when", as an operator says it.
#pragma once
#include <string>

#include "daemon/base/time.hpp"

namespace syncd::ctl {

// A duration before `now` ("2h", "3d"), or a time of this machine's wall clock ("2026-03-01", "2026-03-01
// 10:00"). Throws Failure (usage).
WallTime since(const std::string& text, WallTime now);

}  // namespace syncd::ctl
