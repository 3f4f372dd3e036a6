#include "daemon/schedule/jitter.hpp"

#include <cstdint>

namespace syncd::schedule {
namespace {

// FNV-1a: the same on every machine and in every version, unlike std::hash.
std::uint64_t hash(std::string_view text, std::uint64_t from = 0xCBF29CE484222325U) {
  for (const char c : text) from = (from ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return from;
}

// Lets every bit depend on every other one (the last step of splitmix64): names that differ in their last
// letter are far apart.
std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9U;
  x = (x ^ x >> 27) * 0x94D049BB133111EBU;
  return x ^ x >> 31;
}

}  // namespace

std::chrono::microseconds jitter(std::string_view job, std::string_view host,
                                 std::chrono::microseconds most) {
  if (most.count() <= 0) return std::chrono::microseconds(0);
  // The byte between them belongs to no name.
  const std::uint64_t drawn = mixed(hash(host, hash({"\0", 1}, hash(job))));
  return std::chrono::microseconds(drawn % (static_cast<std::uint64_t>(most.count()) + 1));
}

}  // namespace syncd::schedule
