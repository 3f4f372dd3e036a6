// Commands as a person reads them, and as redis-cli takes them.
#pragma once
#include <string>
#include <vector>

#include "daemon/redis/command.hpp"

namespace syncd::redis {

// One text a command: words that would not be one word, or not be seen, are quoted.  Nothing is lost.
std::vector<std::string> command_lines(const CommandBuffer& commands);

}  // namespace syncd::redis
