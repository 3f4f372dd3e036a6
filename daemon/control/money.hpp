// What the socket tells of requests to models: what they cost, and which of them nobody knows the fate of.
// Plain data, filled by the app; a text may come from outside and is escaped where it is shown.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "daemon/base/time.hpp"

namespace syncd::control {

// Tokens, and money in millionths of the currency of the price table.
struct ModelUse {
  std::uint64_t input = 0;
  std::uint64_t output = 0;
  std::int64_t cost = 0;
};

// What one job spent on one day (UTC).
struct ModelSpending {
  std::string job;
  std::string day;  // "2026-03-01"
  std::uint64_t requests = 0;
  std::uint64_t ambiguous = 0;  // of these
  ModelUse use;
};

// A request that was sent and whose answer never came whole.
struct AmbiguousRequest {
  std::int64_t id = 0;
  std::string job;
  std::string model;
  std::string unit;  // digest of what was asked
  WallTime sent;
  std::string why;
  ModelUse use;  // estimated
};

// Which of them: the one with this id, or all, or all of one job.
struct AmbiguousChoice {
  std::optional<std::int64_t> id;
  std::optional<std::string> job;
};

}  // namespace syncd::control
