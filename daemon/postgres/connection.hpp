// Connection: one session on a thread of its own, because libpqxx blocks.  The loop awaits run(); its
// deadline and a stop really end the call, also against a server that was merely stopped (docs/adr/0006).
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemon/base/error.hpp"
#include "daemon/coro/clock.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/loop/worker.hpp"
#include "daemon/postgres/session.hpp"

namespace syncd::postgres {

// What a session is called in pg_stat_activity.  The fence of a source (jobs/sources/fence.hpp) leaves out
// those of this daemon that only read, and must see from the first moment of a transaction whether it writes.
constexpr const char* kReader = "syncd";
constexpr const char* kWriter = "syncd sink";

class Connection {
 public:
  // How long a cancelled statement may take to end before its socket is shut.
  static constexpr Duration kGrace = std::chrono::seconds(2);

  Connection(loop::EventLoop& loop, const Options& options, std::string application_name,
             Duration grace = kGrace);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Connects at the first call.  Runs fn(session) on the thread and returns its result.  After `limit` the
  // statement is cancelled and a Transient error "DOING: no answer within 60 s" thrown; on a stop it is
  // cancelled and Cancelled thrown.  `fn` captures references to the awaiting frame only.
  template <class F>
  auto run(Duration limit, std::string doing, F fn) -> coro::Task<std::invoke_result_t<F, Session&>> {
    using R = std::invoke_result_t<F, Session&>;
    static_assert(!std::is_void_v<R>, "return something: it shows that the call was made");
    const std::stop_token* stop = co_await coro::this_coro::stop_token();
    if (stop != nullptr && stop->stop_requested()) throw coro::Cancelled();
    std::optional<R> result;
    std::exception_ptr failure;
    Watch watch(*this, limit, stop);
    try {
      auto call = worker_.call([&] { return fn(session()); });
      result.emplace(co_await call);
    } catch (...) {
      failure = std::current_exception();
    }
    co_await watch.end();
    watch.rethrow(doing, limit, failure);
    co_return std::move(*result);
  }

  const std::string& application_name() const noexcept { return application_name_; }
  // No use any more: throw it away.
  bool broken() const noexcept { return broken_; }
  // The server has hung up, or said good-bye, while nobody was waiting for it.  Only between two calls.
  bool hung_up() const noexcept;

 private:
  // Cancels the call under way when its time is over or a stop comes.
  class Watch final : private Timers::Entry {
   public:
    Watch(Connection& connection, Duration limit, const std::stop_token* stop);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    // Waits for a cancel that is under way: it must not hit the next statement.
    coro::Task<> end();
    void rethrow(const std::string& doing, Duration limit, std::exception_ptr failure) const;

   private:
    struct OnStop {
      Watch* self;
      void operator()() const { self->interrupt(); }
    };
    void due() override;
    void interrupt();
    static coro::Task<> cancel(Connection& connection);

    Connection& connection_;
    coro::AsyncScope cancelling_;
    std::optional<Timers::Slot> slot_;
    std::optional<std::stop_callback<OnStop>> on_stop_;
    enum class Stage { Running, Cancelled, Shut } stage_ = Stage::Running;
    bool late_ = false;
    bool stopped_ = false;
  };

  Session& session();     // on the thread
  void cancel_backend();  // on the canceller's thread; bounded by its own connect timeout
  void shut_sockets();

  loop::EventLoop& loop_;
  const Options& options_;
  std::string application_name_;
  Duration grace_;
  std::unique_ptr<Session> session_;
  std::atomic<int> backend_pid_ = 0;
  std::atomic<int> socket_ = -1;
  std::mutex cancel_mutex_;
  int cancel_socket_ = -1;
  std::atomic<bool> broken_ = false;
  loop::Worker worker_;
  std::unique_ptr<loop::Worker> canceller_;  // made at the first cancel
};

}  // namespace syncd::postgres
