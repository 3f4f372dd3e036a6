// Whether a text says something.
#pragma once
#include <string>

namespace syncd::test {

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

}  // namespace syncd::test
