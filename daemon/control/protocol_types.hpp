// The first half of the description of io.syncd.Manager: what it is, and its types.
#pragma once
#include <string_view>

namespace syncd::control {

std::string_view manager_types();

}  // namespace syncd::control
