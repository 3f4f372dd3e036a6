// Named places where a fault test may end the process as kill -9 would.  Nothing at all in a shipped
// build: the option SYNCD_CRASH_POINTS switches them on, SYNCD_CRASH_AT=NAME[:N] picks the N-th pass.
#pragma once

namespace syncd {

#ifdef SYNCD_CRASH_POINTS
void crash_point(const char* name) noexcept;
#else
inline void crash_point(const char*) noexcept {}
#endif

}  // namespace syncd
