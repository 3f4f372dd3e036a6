// Any bytes as one line of UTF-8, for places that take text only: what is not, and %, becomes %XX.
#pragma once
#include <string>
#include <string_view>

namespace syncd::jobs {

std::string byte_text(std::string_view bytes);
std::string bytes_of(std::string_view text);

}  // namespace syncd::jobs
