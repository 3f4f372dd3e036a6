// A terminal of a given width, at a moment that never changes.
#pragma once
#include "daemon/ctl/render.hpp"

namespace syncd::ctl::test {

const WallTime kNow(std::chrono::hours(24 * 365 * 56));

inline Look look(std::size_t width = 100, bool colour = false) {
  Look made;
  made.width = width;
  made.colour = colour;
  made.now = kNow;
  return made;
}

}  // namespace syncd::ctl::test
