#include "daemon/postgres/connection.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include "daemon/postgres/failure.hpp"

namespace syncd::postgres {

Connection::Connection(loop::EventLoop& loop, const Options& options, std::string application_name,
                       Duration grace)
    : loop_(loop),
      options_(options),
      application_name_(std::move(application_name)),
      grace_(grace),
      worker_(loop, "postgres") {}

Connection::~Connection() = default;

bool Connection::hung_up() const noexcept {
  pollfd watched{socket_, POLLIN, 0};
  return watched.fd >= 0 && ::poll(&watched, 1, 0) != 0;
}

Session& Connection::session() {
  if (!session_) {
    session_ = std::make_unique<Session>(options_, application_name_);
    // From here on a server that falls silent can be left by shutting the socket.
    backend_pid_ = session_->backend_pid();
    socket_ = session_->socket();
    try {
      session_->configure();
    } catch (const Error&) {
      broken_ = true;
      throw;
    }
  }
  if (broken_ || session_->broken()) {
    throw Error(ErrorKind::Transient, lost_text());
  }
  return *session_;
}

void Connection::cancel_backend() {
  if (backend_pid_ == 0) return;
  try {
    Session::cancel(options_, backend_pid_, [this](int socket) {
      const std::lock_guard lock(cancel_mutex_);
      cancel_socket_ = socket;
      return !broken_;  // else too late: nobody would shut this socket any more
    });
  } catch (const std::exception&) {
    // The second stage follows in any case.
  }
}

void Connection::shut_sockets() {
  broken_ = true;
  const std::lock_guard lock(cancel_mutex_);
  for (const int socket : {socket_.load(), cancel_socket_}) {
    if (socket >= 0) ::shutdown(socket, SHUT_RDWR);
  }
}

Connection::Watch::Watch(Connection& connection, Duration limit, const std::stop_token* stop)
    : connection_(connection) {
  slot_ = connection_.loop_.arm(connection_.loop_.now() + limit, *this);
  if (stop != nullptr && stop->stop_possible()) on_stop_.emplace(*stop, OnStop{this});
}

Connection::Watch::~Watch() {
  if (slot_) connection_.loop_.disarm(*slot_);
}

void Connection::Watch::due() {
  slot_.reset();
  if (stage_ == Stage::Running) {
    if (!stopped_) late_ = true;
    stage_ = Stage::Cancelled;
    slot_ = connection_.loop_.arm(connection_.loop_.now() + connection_.grace_, *this);
    cancelling_.spawn(cancel(connection_));
  } else if (stage_ == Stage::Cancelled) {
    stage_ = Stage::Shut;
    connection_.shut_sockets();
  }
}

// Runs inside request_stop(): nothing may be resumed here, so the timer does the rest.
void Connection::Watch::interrupt() {
  if (stage_ != Stage::Running) return;
  stopped_ = true;
  if (slot_) connection_.loop_.disarm(*slot_);
  slot_ = connection_.loop_.arm(connection_.loop_.now(), *this);
}

coro::Task<> Connection::Watch::cancel(Connection& connection) {
  if (!connection.canceller_) {
    connection.canceller_ = std::make_unique<loop::Worker>(connection.loop_, "postgres-cancel");
  }
  co_await connection.canceller_->call([&connection] { connection.cancel_backend(); });
}

coro::Task<> Connection::Watch::end() {
  on_stop_.reset();
  co_await cancelling_.join();
  if (slot_) connection_.loop_.disarm(*std::exchange(slot_, std::nullopt));
  if (connection_.session_ == nullptr || connection_.session_->broken()) connection_.broken_ = true;
}

void Connection::Watch::rethrow(const std::string& doing, Duration limit, std::exception_ptr failure) const {
  if (!failure) {
    if (stopped_) throw coro::Cancelled();
    return;
  }
  if (stopped_) throw coro::Cancelled();
  if (late_)
    throw Error(ErrorKind::Transient, fmt::format("{}: no answer within {}", doing, human_duration(limit)));
  try {
    std::rethrow_exception(failure);
  } catch (const Error& error) {
    throw error.within(doing);
  }
}

}  // namespace syncd::postgres
