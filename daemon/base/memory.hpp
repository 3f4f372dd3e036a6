// How malloc deals with what is freed.
#pragma once

namespace syncd {

// Batches come and go on two threads: what malloc gives back after each is faulted in again for the next.
// Fixed thresholds also keep glibc from moving them with what it sees.  Once, before there are threads.
void keep_freed_memory() noexcept;

}  // namespace syncd
