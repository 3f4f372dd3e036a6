// Plain HTTP/1.1 for what answers a GET: pages and streams of events.  One request a connection
// (RFC 9112, 9.6: `Connection: close`), bounded in size and time before anything is looked at.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/secret.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/loop/listener.hpp"
#include "daemon/loop/stream.hpp"

namespace syncd::http {

struct PageRequest {
  std::string method;         // GET or HEAD: others never reach a handler
  std::string path;           // without the query
  std::string query;          // what follows the '?'
  std::string authorization;  // the header as it came; "" where there was none
  std::string origin;         // likewise
};

struct ServerLimits {
  std::size_t head = 8 * 1024;
  std::size_t connections = 256;
  Duration request = std::chrono::seconds(10);  // from the first byte to the end of the head
  Duration write = std::chrono::seconds(10);    // for the client to take what is written at once
};

// The answer to one request: one whole page, or begin() and any number of write().
class PageWriter {
 public:
  PageWriter(Clock& clock, loop::Stream& stream, const ServerLimits& limits, bool head_only)
      : clock_(clock), stream_(stream), limits_(limits), head_only_(head_only) {}

  // A script of this origin may read the answer (https://fetch.spec.whatwg.org/#http-cors-protocol).
  void allow_origin(const std::string& origin) {
    headers_ = "Access-Control-Allow-Origin: " + origin + "\r\nVary: Origin\r\n";
  }
  coro::Task<> page(int status, std::string content_type, std::string body, std::string more_headers = "");
  coro::Task<> begin(std::string content_type);
  // Throws a Transient error when the client has gone or does not take it.
  coro::Task<> write(std::string text);
  bool begun() const noexcept { return begun_; }
  // The answer has no body: write() is for nobody.
  bool head_only() const noexcept { return head_only_; }

 private:
  coro::Task<> send(std::string text);
  Clock& clock_;
  loop::Stream& stream_;
  const ServerLimits& limits_;
  bool head_only_;
  bool begun_ = false;
  std::string headers_;  // of every answer
};

// What it throws becomes a page with status 500, unless the answer has begun.
using Handler = std::function<coro::Task<>(const PageRequest&, PageWriter&)>;

// Reads the rest of a request whose first bytes are `begun`, has it answered, and closes the stream.
// Throws nothing but Cancelled.
coro::Task<> serve_request(Clock& clock, loop::Stream& stream, std::string begun, const Handler& handler,
                           const ServerLimits& limits);

// Listens on "ADDRESS:PORT", "[ADDRESS]:PORT"; numbers only, port 0: any.  Throws a Config error.
class Server {
 public:
  // With a token every request needs `Authorization: Bearer TOKEN`, or `?access_token=TOKEN` (RFC 6750, 2.3)
  // where a client can send no header, as EventSource.  Everything outlives the server.
  Server(loop::EventLoop& loop, const std::string& address, std::optional<config::Secret> token,
         Handler handler, ServerLimits limits = ServerLimits());
  // Scripts of these origins may read what is answered; those of others may not.
  void allow_origins(std::vector<std::string> origins) { origins_ = std::move(origins); }

  // Until it is stopped.  Once.
  coro::Task<> serve();

  // Where it listens, with the port that it got.
  const std::string& address() const noexcept { return address_; }

 private:
  coro::Task<> serve_one(std::unique_ptr<loop::Stream> stream);
  coro::Task<> answer(const PageRequest& request, PageWriter& response);
  bool authorised(const PageRequest& request) const;

  loop::EventLoop& loop_;
  std::string address_;
  std::optional<config::Secret> token_;
  Handler handler_;
  Handler guarded_;
  ServerLimits limits_;
  std::vector<std::string> origins_;
  std::unique_ptr<loop::Listener> listener_;
  std::size_t open_ = 0;
};

// Whether an address of Server's form is reached from this machine only.
bool is_loopback(const std::string& address);

}  // namespace syncd::http
