#include "daemon/control/connection.hpp"

#include "daemon/base/log.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/timeout.hpp"

namespace syncd::control {

Connection::Connection(Clock& clock, Commands& commands, const Limits& limits, Role role, Guest& guest,
                       std::unique_ptr<loop::Stream> stream, std::string begun)
    : clock_(clock),
      commands_(commands),
      limits_(limits),
      role_(role),
      guest_(guest),
      stream_(std::move(stream)),
      begun_(std::move(begun)),
      arrived_(clock),
      taken_(clock) {}

coro::Task<> Connection::serve() {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope reading(stop);
  reading.spawn(read_ahead());
  try {
    co_await answer_all();
  } catch (const coro::Cancelled&) {
  } catch (const std::exception& e) {
    log::debug("", "control: closing a connection: {}", e.what());
  }
  stream_->close();
  reading.request_stop();
  co_await reading.join();
}

// The client is gone, or we have enough of it: what streams ends, what is queued is still answered.
void Connection::ended(std::string complaint) {
  ended_ = true;
  complaint_ = std::move(complaint);
  arrived_.notify();
  if (streaming_) streaming_->request_stop();
}

bool Connection::full() const noexcept {
  return frames_.size() >= limits_.pipelined_calls || queued_ >= kMaxCall;
}

coro::Task<> Connection::read_ahead() {
  std::string complaint;
  try {
    co_await receive();
  } catch (const ProtocolError& e) {
    complaint = e.what();
  } catch (const std::exception& e) {
    // Too slow; where it is gone instead, nobody hears this.
    if (framer_.partial()) {
      complaint =
          "a message that is not whole " + human_duration(limits_.half_frame) + " after its first byte";
    }
    log::debug("", "control: {}", e.what());
  }
  ended(std::move(complaint));
}

coro::Task<> Connection::receive() {
  std::optional<TimePoint> deadline;
  std::string_view bytes = begun_;
  while (!bytes.empty()) {
    framer_.feed(bytes);
    while (std::optional<std::string> frame = framer_.next()) {
      deadline.reset();
      while (full()) {
        if (streaming_) throw ProtocolError("too many calls behind one that streams");
        co_await taken_.wait();
      }
      queued_ += frame->size();
      frames_.push_back(*std::move(frame));
      arrived_.notify();
    }
    if (!framer_.partial()) {
      deadline.reset();
    } else if (!deadline) {
      deadline = clock_.now() + limits_.half_frame;
    }
    if (deadline) {
      const Duration left = std::max(*deadline - clock_.now(), Duration::zero());
      bytes = co_await with_timeout(clock_, left, "waiting for the rest of a message", stream_->read());
    } else {
      bytes = co_await stream_->read();
    }
  }
}

coro::Task<> Connection::answer_all() {
  while (true) {
    if (!frames_.empty()) {
      std::string frame = std::move(frames_.front());
      frames_.pop_front();
      queued_ -= frame.size();
      taken_.notify();
      set_answering(true);
      const bool go_on = co_await answer(std::move(frame));
      set_answering(false);
      if (!go_on) co_return;
    } else if (ended_) {
      break;
    } else {
      co_await arrived_.wait();
    }
  }
  if (complaint_.empty()) co_return;
  Reply bad;
  bad.error = errors::kBadCall;
  bad.parameters["reason"] = complaint_;
  oneway_ = false;
  co_await reply(std::move(bad));
}

void Connection::set_answering(bool answering) {
  guest_.answering = answering;
  guest_.since = clock_.now();
}

// False: the connection is of no more use.
coro::Task<bool> Connection::answer(std::string frame) {
  Call call;
  Reply last;
  oneway_ = false;
  try {
    call = parse_call(frame);
  } catch (const ProtocolError& e) {
    last.error = errors::kBadCall;
    last.parameters["reason"] = e.what();
  }
  if (!last.error.empty()) {
    co_await reply(std::move(last));
    co_return true;
  }
  oneway_ = call.oneway;
  if (call.more && ended_) co_return false;  // nobody listens to the stream
  const std::stop_token* outer = co_await coro::this_coro::stop_token();
  coro::StopScope scope(outer);
  struct Streaming {
    coro::StopScope*& place;
    ~Streaming() { place = nullptr; }
  };
  const Streaming streaming{streaming_};
  if (call.more) streaming_ = &scope;
  auto answering = commands_.answer(call, role_, *this);
  last = co_await std::move(answering).with_stop(scope.token());
  co_await reply(std::move(last));
  commands_.replied(call);
  co_return true;
}

coro::Task<> Connection::send(Json parameters) {
  Reply progress;
  progress.parameters = std::move(parameters);
  progress.continues = true;
  co_await reply(std::move(progress));
}

coro::Task<> Connection::reply(Reply reply) {
  if (oneway_) co_return;
  const std::string frame = to_frame(reply);
  co_await with_timeout(clock_, limits_.write, "sending a reply", stream_->write(frame));
}

}  // namespace syncd::control
