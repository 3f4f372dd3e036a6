// Server: the daemon's end of the control socket.  It speaks varlink, and answers a plain HTTP GET with a
// page: the first byte tells.  Each connection is a coroutine; what a client sends, does not send or does not
// read harms no other client and never blocks the loop.
#pragma once
#include <chrono>
#include <list>
#include <memory>
#include <string>

#include "daemon/control/commands.hpp"
#include "daemon/control/operations.hpp"
#include "daemon/control/socket.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/stop.hpp"
#include "daemon/http/server.hpp"
#include "daemon/loop/event_loop.hpp"
#include "daemon/loop/listener.hpp"

namespace syncd::control {

struct Limits {
  std::size_t connections = 128;
  std::size_t refusals = 8;                        // peers without permission that are being told so
  std::size_t pipelined_calls = 16;                // read ahead of the one under way
  Duration half_frame = std::chrono::seconds(30);  // from the first byte of a message to its end
  Duration write = std::chrono::seconds(10);       // for the client to take a reply
  Duration refusal = std::chrono::seconds(2);
};

// A connection as the server sees it: while it has no call under way, another one may have its place.
struct Guest {
  Guest(const std::stop_token* stop, TimePoint now) : leave(stop), since(now) {}
  coro::StopScope leave;
  bool answering = false;
  TimePoint since;  // it answers, or does not
};

class Server {
 public:
  // Everything outlives the server.
  Server(loop::EventLoop& loop, Operations& operations, ControlSocket& socket, Access access,
         Limits limits = Limits());
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  // Serves until it is stopped; every connection is closed when it returns or throws (Cancelled on a stop,
  // a Permanent error when the socket broke).  Once.
  coro::Task<> serve();

 private:
  coro::Task<> accept_all(coro::AsyncScope& connections);
  coro::Task<> serve_one(std::unique_ptr<loop::Stream> stream, Role role);
  coro::Task<> serve_guest(Guest& guest, std::unique_ptr<loop::Stream> stream, Role role);
  bool make_room();
  coro::Task<> refuse(std::unique_ptr<loop::Stream> stream, Reply reply);
  void welcome(std::unique_ptr<loop::Stream> stream, coro::AsyncScope& connections);

  loop::EventLoop& loop_;
  Commands commands_;
  http::Handler pages_;
  http::ServerLimits page_limits_;
  Access access_;
  Limits limits_;
  loop::Listener listener_;
  std::list<Guest*> guests_;  // but those that were told to leave
  std::size_t refusing_ = 0;
};

}  // namespace syncd::control
