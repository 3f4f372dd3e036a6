#include "daemon/control/server.hpp"

#include <exception>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/control/connection.hpp"
#include "daemon/control/http_pages.hpp"
#include "daemon/coro/timeout.hpp"

namespace syncd::control {
namespace {

class Counted {
 public:
  explicit Counted(std::size_t& count) : count_(count) { ++count_; }
  ~Counted() { --count_; }
  Counted(const Counted&) = delete;
  Counted& operator=(const Counted&) = delete;

 private:
  std::size_t& count_;
};

}  // namespace

Server::Server(loop::EventLoop& loop, Operations& operations, ControlSocket& socket, Access access,
               Limits limits)
    : loop_(loop),
      commands_(loop, operations),
      pages_(http_pages(loop, operations)),
      access_(std::move(access)),
      limits_(limits),
      listener_(loop, socket.release()) {}

coro::Task<> Server::serve() {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope connections(stop);
  std::exception_ptr why;
  try {
    co_await accept_all(connections);
  } catch (...) {
    why = std::current_exception();
  }
  connections.request_stop();
  co_await connections.join();
  if (why) std::rethrow_exception(why);
}

coro::Task<> Server::accept_all(coro::AsyncScope& connections) {
  while (true) {
    std::unique_ptr<loop::Stream> stream = co_await listener_.accept();
    try {
      welcome(std::move(stream), connections);
    } catch (const Error& e) {
      log::warn("", "control: {}", e.what());
    }
  }
}

void Server::welcome(std::unique_ptr<loop::Stream> stream, coro::AsyncScope& connections) {
  const Peer peer = peer_of(stream->fd());
  Reply reply;
  const Role role = access_.role_of(peer);
  if (role == Role::None) {
    reply.error = errors::kNotPermitted;
    reply.parameters["reason"] = access_.refusal(peer);
    reply.parameters["group"] = access_.group();
    log::info("", "control: refused uid {} pid {}", peer.uid, peer.pid);
  } else if (guests_.size() >= limits_.connections && !make_room()) {
    reply.error = errors::kBusy;
    reply.parameters["reason"] = "all " + std::to_string(limits_.connections) + " connections are in use";
  } else {
    connections.spawn(serve_one(std::move(stream), role));
    return;
  }
  if (refusing_ < limits_.refusals) connections.spawn(refuse(std::move(stream), std::move(reply)));
}

// Whoever has been silent for longest leaves.  False: everybody waits for an answer.
bool Server::make_room() {
  auto silent = guests_.end();
  for (auto guest = guests_.begin(); guest != guests_.end(); ++guest) {
    if ((*guest)->answering) continue;
    if (silent == guests_.end() || (*guest)->since < (*silent)->since) silent = guest;
  }
  if (silent == guests_.end()) return false;
  Guest* leaving = *silent;
  guests_.erase(silent);
  leaving->leave.request_stop();
  return true;
}

coro::Task<> Server::serve_one(std::unique_ptr<loop::Stream> stream, Role role) {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  Guest guest(stop, loop_.now());
  guests_.push_back(&guest);
  try {
    auto serving = serve_guest(guest, std::move(stream), role);
    co_await std::move(serving).with_stop(guest.leave.token());
  } catch (const coro::Cancelled&) {
  }
  guests_.remove(&guest);
}

coro::Task<> Server::serve_guest(Guest& guest, std::unique_ptr<loop::Stream> stream, Role role) {
  std::string begun;
  try {
    begun = co_await stream->read();
  } catch (const Error& e) {
    log::debug("", "control: {}", e.what());
  }
  if (begun.empty()) co_return;
  if (begun.front() == 'G' || begun.front() == 'H') {
    guest.answering = true;
    co_await http::serve_request(loop_, *stream, std::move(begun), pages_, page_limits_);
    co_return;
  }
  Connection connection(loop_, commands_, limits_, role, guest, std::move(stream), std::move(begun));
  co_await connection.serve();
}

// Waits for the call before it answers: a client that writes into a closed socket would not read why.
coro::Task<> Server::refuse(std::unique_ptr<loop::Stream> stream, Reply reply) {
  const Counted counted(refusing_);
  const std::string frame = to_frame(reply);
  try {
    co_await with_timeout(loop_, limits_.refusal, "refusing", stream->read());
    co_await with_timeout(loop_, limits_.refusal, "refusing", stream->write(frame));
  } catch (const std::exception& e) {
    log::debug("", "control: {}", e.what());
  }
}

}  // namespace syncd::control
