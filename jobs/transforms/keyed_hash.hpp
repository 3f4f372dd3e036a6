// KeyedHash: HMAC-SHA-256, the same for the same text and key.
#pragma once
#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace syncd::jobs {

class KeyedHash {
 public:
  explicit KeyedHash(const std::string& key);
  ~KeyedHash();
  KeyedHash(KeyedHash&&) noexcept;

  // 64 digits; valid until the next call.
  std::string_view hex(std::string_view text);

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::array<char, 64> digits_{};
};

}  // namespace syncd::jobs
