// Members of a reply, of whatever a newer or older daemon has made of them: what is missing or of another
// type is "", 0 or empty.  Texts come out escaped.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/control/protocol.hpp"

namespace syncd::ctl {

std::string text_of(const control::Json& json, const char* key);
std::uint64_t count_of(const control::Json& json, const char* key);
std::optional<WallTime> time_of(const control::Json& json, const char* key);
bool flag_of(const control::Json& json, const char* key);
const control::Json& list_of(const control::Json& json, const char* key);
const control::Json& object_of(const control::Json& json, const char* key);

}  // namespace syncd::ctl
