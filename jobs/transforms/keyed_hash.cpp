#include "jobs/transforms/keyed_hash.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

struct FreeMac {
  void operator()(EVP_MAC* mac) const { EVP_MAC_free(mac); }
};
struct FreeContext {
  void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};

void require(bool done) {
  if (!done) throw Error(ErrorKind::Permanent, "OpenSSL cannot make HMAC-SHA-256");
}

}  // namespace

struct KeyedHash::State {
  std::unique_ptr<EVP_MAC, FreeMac> mac;
  std::unique_ptr<EVP_MAC_CTX, FreeContext> context;
};

KeyedHash::KeyedHash(const std::string& key) : state_(std::make_unique<State>()) {
  state_->mac.reset(EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  require(state_->mac != nullptr);
  state_->context.reset(EVP_MAC_CTX_new(state_->mac.get()));
  std::string digest = "SHA256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), digest.size()),
      OSSL_PARAM_construct_end()};
  require(EVP_MAC_init(state_->context.get(), reinterpret_cast<const unsigned char*>(key.data()), key.size(),
                       parameters) == 1);
}

KeyedHash::~KeyedHash() = default;
KeyedHash::KeyedHash(KeyedHash&&) noexcept = default;

std::string_view KeyedHash::hex(std::string_view text) {
  std::array<unsigned char, 32> hash{};
  std::size_t size = 0;
  EVP_MAC_CTX* context = state_->context.get();
  // Without a key: the one that it has, from the beginning.
  require(EVP_MAC_init(context, nullptr, 0, nullptr) == 1 &&
          EVP_MAC_update(context, reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1 &&
          EVP_MAC_final(context, hash.data(), &size, hash.size()) == 1 && size == hash.size());
  constexpr std::string_view kHex = "0123456789abcdef";
  for (std::size_t i = 0; i < hash.size(); ++i) {
    digits_[2 * i] = kHex[hash[i] >> 4];
    digits_[2 * i + 1] = kHex[hash[i] & 15];
  }
  return {digits_.data(), digits_.size()};
}

}  // namespace syncd::jobs
