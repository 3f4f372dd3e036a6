// Connection: one client.  One coroutine reads ahead for the whole life of the connection, so that the
// client's going is noticed while a call is under way; another answers the calls in order.
#pragma once
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "daemon/control/commands.hpp"
#include "daemon/control/server.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/coro/stop.hpp"
#include "daemon/loop/stream.hpp"

namespace syncd::control {

class Connection final : private Progress {
 public:
  // Everything outlives the connection.
  // `begun`: what was read of the stream already.
  Connection(Clock& clock, Commands& commands, const Limits& limits, Role role, Guest& guest,
             std::unique_ptr<loop::Stream> stream, std::string begun);

  // Until the client goes, misbehaves, or we are told to stop; throws nothing.
  coro::Task<> serve();

 private:
  coro::Task<> read_ahead();
  coro::Task<> receive();
  coro::Task<> answer_all();
  coro::Task<bool> answer(std::string frame);
  void set_answering(bool answering);
  coro::Task<> reply(Reply reply);
  coro::Task<> send(Json parameters) override;
  void ended(std::string complaint);
  bool full() const noexcept;

  Clock& clock_;
  Commands& commands_;
  const Limits& limits_;
  const Role role_;
  Guest& guest_;
  std::unique_ptr<loop::Stream> stream_;
  std::string begun_;
  Framer framer_{kMaxCall};
  std::deque<std::string> frames_;
  std::size_t queued_ = 0;                // bytes in frames_
  coro::Signal arrived_;                  // a frame, or the end
  coro::Signal taken_;                    // room for another frame
  bool ended_ = false;                    // nothing more will come
  std::string complaint_;                 // why we end it; "" where the client did
  bool oneway_ = false;                   // of the call under way
  coro::StopScope* streaming_ = nullptr;  // of the call under way, if it streams
};

}  // namespace syncd::control
