#include "daemon/loop/tls.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <functional>
#include <thread>

#include "tests/support/temp_dir.hpp"
#include "tests/unit/loop/loop_test.hpp"

namespace syncd::loop {
namespace {

using namespace std::chrono_literals;
using coro::AsyncScope;
using coro::Task;
using syncd::test::TempDir;
using test::error_of;
using test::ignore_result;
using test::Pair;

void add_extension(X509* certificate, int number, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, &context, number, value);
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

// A key with a certificate for redis.test and 127.0.0.1 that it signed itself.
class Identity {
 public:
  Identity() : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    X509_set_version(certificate_, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate_), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate_), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate_), 3600);
    X509_set_pubkey(certificate_, key_);
    X509_NAME* name = X509_get_subject_name(certificate_);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("test"), -1,
                               -1, 0);
    X509_set_issuer_name(certificate_, name);
    add_extension(certificate_, NID_basic_constraints, "critical,CA:TRUE");
    add_extension(certificate_, NID_subject_alt_name, "DNS:redis.test,IP:127.0.0.1");
    X509_sign(certificate_, key_, EVP_sha256());
    ca_file = folder_ / "ca.pem";
    BIO* file = BIO_new_file(ca_file.c_str(), "w");
    PEM_write_bio_X509(file, certificate_);
    BIO_free(file);
  }
  ~Identity() {
    X509_free(certificate_);
    EVP_PKEY_free(key_);
  }
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  // A server's session that has not begun.
  SSL* session() const {
    SSL_CTX* context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, certificate_);
    SSL_CTX_use_PrivateKey(context, key_);
    SSL* session = SSL_new(context);
    SSL_CTX_free(context);
    SSL_set_accept_state(session);
    return session;
  }

  std::string ca_file;

 private:
  TempDir folder_;
  EVP_PKEY* key_;
  X509* certificate_;
};

// Serves one connection on a thread of its own.
class Server {
 public:
  Server(const Identity& identity, int fd, std::function<void(SSL*)> serve)
      : thread_([session = identity.session(), fd, serve = std::move(serve)] {
          SSL_set_fd(session, fd);
          if (SSL_accept(session) == 1) serve(session);
          SSL_free(session);
          ERR_clear_error();
        }) {}
  ~Server() { thread_.join(); }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

 private:
  std::thread thread_;
};

void say_goodbye(SSL* session) { SSL_shutdown(session); }

// Sends back what comes, until the end.
void echo(SSL* session) {
  std::string buffer(16 * 1024, '\0');
  while (true) {
    const int count = SSL_read(session, buffer.data(), static_cast<int>(buffer.size()));
    if (count <= 0 || SSL_write(session, buffer.data(), count) != count) return;
  }
}

Task<> read_until(Stream& stream, std::size_t size, std::string& into) {
  while (into.size() < size) {
    const std::string_view bytes = co_await stream.read();
    if (bytes.empty()) co_return;
    into += bytes;
  }
}

LOOP_TEST(Tls, CarriesBytesBothWays) {
  const Identity identity;
  Pair pair(loop);
  const Server server(identity, pair.peer.get(), echo);
  const auto stream = co_await start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  const std::string sent(3 * 1024 * 1024, 'x');
  std::string received;
  AsyncScope scope;
  scope.spawn(read_until(*stream, sent.size(), received));
  co_await stream->write(sent);
  co_await scope.join();
  EXPECT_TRUE(received == sent);
  stream->close();
}

LOOP_TEST(Tls, AcceptsACertificateForAnAddressAndSeesTheEnd) {
  const Identity identity;
  Pair pair(loop);
  const Server server(identity, pair.peer.get(), say_goodbye);
  const auto stream = co_await start_tls(std::move(pair.stream), "127.0.0.1", identity.ca_file);
  EXPECT_EQ(co_await stream->read(), "");
}

LOOP_TEST(Tls, LosesNothingWhenAReadIsStopped) {
  const Identity identity;
  Pair pair(loop);
  const Server server(identity, pair.peer.get(), echo);
  const auto stream = co_await start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  std::string text;
  AsyncScope scope;
  scope.spawn(read_until(*stream, 5, text));
  scope.request_stop();
  co_await scope.join();
  co_await stream->write("hello");
  co_await read_until(*stream, 5, text);
  EXPECT_EQ(text, "hello");
  stream->close();
}

LOOP_TEST(Tls, RefusesACertificateForAnotherHost) {
  const Identity identity;
  Pair pair(loop);
  const Server server(identity, pair.peer.get(), echo);
  auto starting = start_tls(std::move(pair.stream), "other.test", identity.ca_file);
  EXPECT_EQ(co_await error_of(ignore_result(std::move(starting))),
            "permanent TLS: the server's certificate is refused: hostname mismatch");
}

LOOP_TEST(Tls, RefusesACertificateOfAnUnknownAuthority) {
  const Identity identity;
  const Identity stranger;
  Pair pair(loop);
  const Server server(stranger, pair.peer.get(), echo);
  auto starting = start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  const std::string text = co_await error_of(ignore_result(std::move(starting)));
  EXPECT_EQ(text.rfind("permanent TLS: the server's certificate is refused: ", 0), 0U) << text;
}

std::string take(BIO* bio) {
  std::string bytes(BIO_ctrl_pending(bio), '\0');
  EXPECT_EQ(BIO_read(bio, bytes.data(), static_cast<int>(bytes.size())), static_cast<int>(bytes.size()));
  return bytes;
}

Task<> keep_error(Task<> task, std::string& into) { into = co_await error_of(std::move(task)); }

LOOP_TEST(Tls, SaysThatItRefusesEvenIfThePeerHasGoneMeanwhile) {
  const Identity identity;
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  scope.spawn(
      keep_error(ignore_result(start_tls(std::move(pair.stream), "other.test", identity.ca_file)), text));
  SSL* session = identity.session();
  SSL_set_bio(session, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  const std::string hello = pair.peer.receive();
  BIO_write(SSL_get_rbio(session), hello.data(), static_cast<int>(hello.size()));
  SSL_accept(session);
  pair.peer.send(take(SSL_get_wbio(session)));
  pair.peer.reset();
  SSL_free(session);
  co_await scope.join();
  EXPECT_EQ(text, "permanent TLS: the server's certificate is refused: hostname mismatch");
}

LOOP_TEST(Tls, TakesAPeerThatHangsUpForATransientError) {
  const Identity identity;
  Pair pair(loop);
  pair.peer.reset();
  auto starting = start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  const std::string text = co_await error_of(ignore_result(std::move(starting)));
  EXPECT_EQ(text.rfind("transient ", 0), 0U) << text;
}

LOOP_TEST(Tls, SaysThatThePeerSpeaksNoTls) {
  const Identity identity;
  Pair pair(loop);
  pair.peer.send("-ERR unknown command\r\n");
  auto starting = start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  const std::string text = co_await error_of(ignore_result(std::move(starting)));
  EXPECT_EQ(text.rfind("transient TLS handshake: ", 0), 0U) << text;
}

LOOP_TEST(Tls, NamesTheAuthoritiesThatItCannotLoad) {
  Pair pair(loop);
  auto starting = start_tls(std::move(pair.stream), "redis.test", "/none/ca.pem");
  const std::string text = co_await error_of(ignore_result(std::move(starting)));
  EXPECT_EQ(text.rfind("permanent loading the certificate authorities /none/ca.pem: ", 0), 0U) << text;
}

LOOP_TEST(Tls, IsClosedByAWriteThatIsStopped) {
  const Identity identity;
  Pair pair(loop);
  const Server server(identity, pair.peer.get(), echo);
  const auto stream = co_await start_tls(std::move(pair.stream), "redis.test", identity.ca_file);
  coro::StopScope stopped(nullptr);
  stopped.request_stop();
  EXPECT_THROW(co_await stream->write("a record that is lost").with_stop(stopped.token()), coro::Cancelled);
  EXPECT_TRUE(stream->closed());
}

// OpenSSL takes an empty name for "check no name".
LOOP_TEST(Tls, RefusesToVerifyNoName) {
  const Identity identity;
  Pair pair(loop);
  auto starting = start_tls(std::move(pair.stream), "", identity.ca_file);
  EXPECT_EQ(co_await error_of(ignore_result(std::move(starting))),
            "permanent TLS: there is no host name to verify the server's certificate against");
}

LOOP_TEST(Tls, CanBeStoppedDuringTheHandshake) {
  const Identity identity;
  Pair pair(loop);
  std::string text;
  AsyncScope scope;
  scope.spawn(
      keep_error(ignore_result(start_tls(std::move(pair.stream), "redis.test", identity.ca_file)), text));
  scope.request_stop();
  co_await scope.join();
  EXPECT_EQ(text, "");
  co_await test::turns(loop);
  pair.peer.receive();
  char byte = 0;
  EXPECT_EQ(::recv(pair.peer.get(), &byte, 1, 0), 0) << "the connection is still open";
}

}  // namespace
}  // namespace syncd::loop
