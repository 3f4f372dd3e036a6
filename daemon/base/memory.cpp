#include "daemon/base/memory.hpp"

#include <malloc.h>

namespace syncd {

void keep_freed_memory() noexcept {
  ::mallopt(M_MMAP_THRESHOLD, 2 << 20);
  ::mallopt(M_TRIM_THRESHOLD, 8 << 20);
}

}  // namespace syncd
