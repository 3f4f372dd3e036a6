// Provider: one [connections.NAME] to a model's vendor, shared by all jobs: its limits of requests at once,
// of requests and tokens a minute, and the pauses that it asks for.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "daemon/coro/permits.hpp"
#include "daemon/coro/task.hpp"
#include "daemon/http/client.hpp"
#include "daemon/policy/rate_limiter.hpp"
#include "jobs/llm/vendors.hpp"

namespace syncd::llm {

class Provider {
 public:
  // Precondition: `type` is a vendor's, and its table was found good.
  Provider(loop::EventLoop& loop, std::string name, std::string_view type, const config::Table& table);
  Provider(const Provider&) = delete;
  Provider& operator=(const Provider&) = delete;

  using Permit = coro::Permits::Permit;
  // Waits until a request of about so many tokens may be sent; hold the permit while it is answered.
  coro::Task<Permit> admit(std::uint64_t tokens);

  // The text as it is written, and last a piece with the end, whatever it is: an answer is only what ended as
  // Stop::Complete.  Throws Failure; a stream that ends without the vendor's last event is one.
  Pieces stream(Ask ask);

  // A request that is no question; returns the head of a reply with status 200.  Throws Failure.
  coro::Task<http::Response> exchange(http::Request request);
  // Its body, as a whole (Broken where it is longer than `limit`) or in pieces; both throw Failure.
  static coro::Task<std::string> whole(http::Response response, std::size_t limit);
  static http::Chunks pieces(http::Response response);
  // Null: the vendor has none.
  const BatchDialect* batches() const noexcept { return dialect_->batches(); }

  // Nullopt: the price of the model is not in the configuration.
  std::optional<Price> price(const std::string& model) const;
  const std::string& name() const noexcept { return name_; }

 private:
  coro::Task<http::Response> send(http::Request request);
  coro::Task<Failure> refused(http::Response response);
  void hold(std::optional<std::chrono::nanoseconds> wait);

  loop::EventLoop& loop_;
  const std::string name_;
  std::unique_ptr<Dialect> dialect_;
  const Options options_;
  std::map<std::string, Price> prices_;
  http::Client client_;
  coro::Permits permits_;
  std::optional<policy::RateLimiter> requests_;
  std::optional<policy::RateLimiter> tokens_;
  TimePoint next_at_{};  // not before this
};

}  // namespace syncd::llm
