// HTTP client on libcurl's multi socket interface and our loop: one request, a streamed answer.  HTTP/1.1,
// certificates verified, no redirects, no proxy that the configuration does not name, no decompression.
//
// A request is sent once: each has a connection of its own, because on one that was used before libcurl
// would send the request again when the server closed it meanwhile, and nobody could say what it did.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "daemon/base/error.hpp"
#include "daemon/coro/generator.hpp"
#include "daemon/http/headers.hpp"
#include "daemon/loop/event_loop.hpp"

namespace syncd::http {

struct ClientOptions {
  std::string proxy;    // "http://proxy:3128"; "" for none, whatever the environment says
  std::string ca_file;  // authorities instead of the system's; "" for those
};

struct Limits {
  std::chrono::nanoseconds connect = std::chrono::seconds(10);  // name, connection and TLS
  std::chrono::nanoseconds idle = std::chrono::minutes(2);      // between two bytes, the first included
  std::chrono::nanoseconds total = std::chrono::minutes(10);    // until the last byte
};

// A class, not an aggregate: it is handed to a coroutine by value.
class Request {
 public:
  Request(std::string method_in, std::string url_in) : method(std::move(method_in)), url(std::move(url_in)) {}
  std::string method;
  std::string url;
  std::vector<std::string> headers;  // "name: value"
  std::string body;
  Limits limits;
};

// The request failed underneath HTTP: no connection, a deadline, a cut answer.  Transient, but Permanent
// where the certificate is not trusted.
class Failure : public Error {
 public:
  Failure(ErrorKind kind, const std::string& text, bool sent) : Error(kind, text), sent_(sent) {}
  // The server may have seen the request; false: certainly not.
  bool sent() const noexcept { return sent_; }

 private:
  bool sent_;
};

using Chunks = coro::AsyncGenerator<std::string>;

class Client;

// The head of an answer; its body is still on its way.  Dropping it ends the request.
class Response {
 public:
  Response(Response&&) noexcept;
  Response& operator=(Response&&) = delete;
  ~Response();

  int status() const noexcept;
  const Headers& headers() const noexcept;

  // The body as it arrives; while nobody pulls, the server is made to wait.  Throws Failure where it is cut
  // or a deadline passes.  A body without length that is cut cannot be told from a whole one: the protocol
  // above must.
  static Chunks body(Response response);
  // The body as one text, cut after `limit` bytes.
  static coro::Task<std::string> text(Response response, std::size_t limit);

 private:
  friend class Client;
  class Transfer;
  explicit Response(std::unique_ptr<Transfer> transfer);
  std::unique_ptr<Transfer> transfer_;
};

class Client {
 public:
  Client(loop::EventLoop& loop, ClientOptions options);
  // Every Response must have gone by then.
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // Sends `request`; returns once the head of the answer is here, whatever its status.  Throws Failure.
  coro::Task<Response> send(Request request);

 private:
  friend class Response;
  class Multi;
  std::unique_ptr<Multi> multi_;
};

}  // namespace syncd::http
