#include "daemon/loop/tls.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <optional>

#include "daemon/base/error.hpp"

namespace syncd::loop {
namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
struct FreeSession {
  void operator()(SSL* session) const { SSL_free(session); }
};

std::string last_error() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "the connection was closed";
  std::array<char, 256> text{};
  ERR_error_string_n(code, text.data(), text.size());
  return text.data();
}

bool is_address(const std::string& host) {
  std::array<unsigned char, 16> bytes;
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

class TlsStream final : public Stream {
 public:
  TlsStream(std::unique_ptr<Stream> inner, const std::string& host, const std::string& ca_file)
      : inner_(std::move(inner)), context_(SSL_CTX_new(TLS_client_method())) {
    if (host.empty()) {  // OpenSSL would take it for "check no name"
      throw Error(ErrorKind::Permanent,
                  "TLS: there is no host name to verify the server's certificate against");
    }
    SSL_CTX_set_min_proto_version(context_.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context_.get(), SSL_OP_NO_RENEGOTIATION);  // so that a write never waits for a read
    SSL_CTX_set_verify(context_.get(), SSL_VERIFY_PEER, nullptr);
    const int trusted = ca_file.empty()
                            ? SSL_CTX_set_default_verify_paths(context_.get())
                            : SSL_CTX_load_verify_locations(context_.get(), ca_file.c_str(), nullptr);
    if (trusted != 1) {
      throw Error(ErrorKind::Permanent,
                  fmt::format("loading the certificate authorities {}: {}", ca_file, last_error()));
    }
    session_.reset(SSL_new(context_.get()));
    if (is_address(host)) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session_.get()), host.c_str());
    } else {
      SSL_set1_host(session_.get(), host.c_str());
      SSL_set_tlsext_host_name(session_.get(), host.c_str());
    }
    from_peer_ = BIO_new(BIO_s_mem());
    to_peer_ = BIO_new(BIO_s_mem());
    SSL_set_bio(session_.get(), from_peer_, to_peer_);  // the session owns both
    SSL_set_connect_state(session_.get());
  }

  coro::Task<> handshake() {
    while (true) {
      ERR_clear_error();
      const int status = SSL_do_handshake(session_.get());
      const std::optional<Error> failure = handshake_failure(status);
      try {
        co_await flush();
      } catch (const Error&) {
        if (!failure) throw;  // else it was our alert: a courtesy
      }
      if (failure) throw *failure;
      if (status == 1) co_return;
      const std::string_view bytes = co_await inner_->read();
      if (bytes.empty()) throw Error(ErrorKind::Transient, "TLS handshake: the connection was closed");
      BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
    }
  }

  coro::Task<std::string_view> read() override {
    while (true) {
      ERR_clear_error();
      const int count = SSL_read(session_.get(), plain_.data(), static_cast<int>(plain_.size()));
      if (count > 0) co_return std::string_view(plain_.data(), static_cast<std::size_t>(count));
      const int error = SSL_get_error(session_.get(), count);
      if (error == SSL_ERROR_ZERO_RETURN) co_return std::string_view();
      if (error != SSL_ERROR_WANT_READ)
        throw Error(ErrorKind::Transient, "reading over TLS: " + last_error());
      co_await flush();
      const std::string_view bytes = co_await inner_->read();
      if (bytes.empty()) co_return std::string_view();  // Redis hangs up without a word
      BIO_write(from_peer_, bytes.data(), static_cast<int>(bytes.size()));
    }
  }

  coro::Task<> write(std::string_view data) override {
    while (!data.empty()) {
      ERR_clear_error();
      const auto size = static_cast<int>(std::min<std::size_t>(data.size(), 1 << 20));
      const int count = SSL_write(session_.get(), data.data(), size);
      if (count <= 0) {
        inner_->close();
        throw Error(ErrorKind::Transient, "writing over TLS: " + last_error());
      }
      data.remove_prefix(static_cast<std::size_t>(count));
      co_await flush();
    }
  }

  void close() noexcept override { inner_->close(); }
  bool closed() const noexcept override { return inner_->closed(); }
  int fd() const noexcept override { return inner_->fd(); }

 private:
  // To be asked before anything else runs: OpenSSL's queue of errors belongs to the thread.
  std::optional<Error> handshake_failure(int status) {
    const int error = SSL_get_error(session_.get(), status);
    if (error == SSL_ERROR_NONE || error == SSL_ERROR_WANT_READ) return std::nullopt;
    const long verdict = SSL_get_verify_result(session_.get());
    if (verdict == X509_V_OK) return Error(ErrorKind::Transient, "TLS handshake: " + last_error());
    ERR_clear_error();
    return Error(ErrorKind::Permanent, fmt::format("TLS: the server's certificate is refused: {}",
                                                   X509_verify_cert_error_string(verdict)));
  }

  // Sends what the session wants sent.  A record that does not go out breaks those that follow.
  coro::Task<> flush() {
    const auto pending = BIO_ctrl_pending(to_peer_);
    if (pending == 0) co_return;
    std::string bytes(pending, '\0');
    const int count = BIO_read(to_peer_, bytes.data(), static_cast<int>(pending));
    bytes.resize(static_cast<std::size_t>(std::max(count, 0)));
    try {
      co_await inner_->write(bytes);
    } catch (...) {
      inner_->close();
      throw;
    }
  }

  std::unique_ptr<Stream> inner_;
  std::unique_ptr<SSL_CTX, FreeContext> context_;
  std::unique_ptr<SSL, FreeSession> session_;
  BIO* from_peer_ = nullptr;
  BIO* to_peer_ = nullptr;
  std::array<char, 16 * 1024> plain_;  // one TLS record
};

}  // namespace

coro::Task<std::unique_ptr<Stream>> start_tls(std::unique_ptr<Stream> inner, std::string host,
                                              std::string ca_file) {
  auto stream = std::make_unique<TlsStream>(std::move(inner), host, ca_file);
  co_await stream->handshake();
  co_return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace syncd::loop
