// What a parser says about bad input.
#pragma once
#include <string>

#include "config/duration.hpp"

namespace syncd::test {

// The text of the config::ValueError that `parse` ends with; "" where it ends well.
template <class F>
std::string value_error(F parse) {
  try {
    parse();
  } catch (const config::ValueError& error) {
    return error.what();
  }
  return "";
}

}  // namespace syncd::test
