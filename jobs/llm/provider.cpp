#include "jobs/llm/provider.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::llm {
namespace {

constexpr std::size_t kLargestEvent = 1024 * 1024;
constexpr std::size_t kErrorBytes = 64 * 1024;
constexpr std::size_t kLargestAnswer = 16 * 1024 * 1024;
constexpr auto kLongestExchange = std::chrono::hours(6);

// A failure underneath HTTP.  What was sent and not answered may have been done.
Failure from_transport(const http::Failure& failed) {
  const FailureKind kind = failed.kind() == ErrorKind::Permanent ? FailureKind::Auth : FailureKind::Retry;
  const Failure failure(kind, failed.what());
  return failed.sent() ? failure.as_ambiguous() : failure;
}

Failure broken(std::string_view text) { return Failure(FailureKind::Broken, text).as_ambiguous(); }

// "text/event-stream", with or without parameters.
void require_stream(const http::Headers& headers) {
  const std::string_view type = headers.find("content-type").value_or("");
  if (type.substr(0, type.find(';')) == "text/event-stream") return;
  throw Failure(FailureKind::Invalid,
                fmt::format("the answer is {}, not a stream of events: is base_url right?",
                            type.empty() ? "of no type" : type));
}

Options read_options(std::string_view type, const config::Table& table, std::unique_ptr<Dialect>& dialect) {
  Options common;
  dialect = find_vendor(type)->make(table, common);
  return common;
}

}  // namespace

Provider::Provider(loop::EventLoop& loop, std::string name, std::string_view type, const config::Table& table)
    : loop_(loop),
      name_(std::move(name)),
      options_(read_options(type, table, dialect_)),
      prices_(read_prices(options_.prices)),
      client_(loop, http::ClientOptions{options_.proxy, options_.ca_file}),
      permits_(loop, options_.max_in_flight) {
  if (options_.requests_per_minute) requests_.emplace(*options_.requests_per_minute / 60.0);
  if (options_.tokens_per_minute) tokens_.emplace(*options_.tokens_per_minute / 60.0);
}

std::optional<Price> Provider::price(const std::string& model) const {
  const auto found = prices_.find(model);
  return found == prices_.end() ? std::nullopt : std::optional<Price>(found->second);
}

void Provider::hold(std::optional<std::chrono::nanoseconds> wait) {
  if (wait) next_at_ = std::max(next_at_, from_now(loop_, *wait));
}

coro::Task<Provider::Permit> Provider::admit(std::uint64_t tokens) {
  auto permit = co_await permits_.take_until(TimePoint::max());
  while (next_at_ > loop_.now()) {
    co_await sleep_until(loop_, next_at_);
  }
  if (requests_) next_at_ = std::max(next_at_, requests_->take(loop_.now(), 1));
  if (tokens_) next_at_ = std::max(next_at_, tokens_->take(loop_.now(), static_cast<double>(tokens)));
  co_return std::move(*permit);
}

// Limits that the request has already stay, but for the time until a connection stands.
coro::Task<http::Response> Provider::send(http::Request request) {
  request.limits.connect = options_.connect_timeout;
  http::Response response = co_await client_.send(std::move(request));
  hold(dialect_->pause(response.headers(), loop_.wall_now()));
  co_return response;
}

coro::Task<Failure> Provider::refused(http::Response response) {
  const int status = response.status();
  const http::Headers headers = response.headers();
  std::string body;
  try {
    body = co_await http::Response::text(std::move(response), kErrorBytes);
  } catch (const http::Failure&) {
    body.clear();  // the status says enough
  }
  Failure failure = dialect_->failure(status, headers, body, loop_.wall_now());
  hold(failure.retry_after());
  co_return failure;
}

namespace {

// The pieces of a stream that began well.
Pieces decoded(http::Response response, std::unique_ptr<Decoder> decoder) {
  require_stream(response.headers());
  http::SseParser parser(kLargestEvent);
  http::Chunks chunks = http::Response::body(std::move(response));
  std::size_t total = 0;
  while (!decoder->done()) {
    auto chunk = co_await chunks.next();
    if (!chunk) throw broken("the stream ended without its last event");
    parser.feed(*chunk);
    while (!decoder->done()) {
      const auto event = parser.next();
      if (!event) break;
      std::string text;
      decoder->take(*event, text);
      if (text.empty()) continue;
      total += text.size();
      if (total > kLargestAnswer) throw broken(fmt::format("the answer exceeds {} bytes", kLargestAnswer));
      Piece piece(std::move(text));
      co_yield std::move(piece);
    }
  }
  Piece last(decoder->end());
  co_yield std::move(last);
}

}  // namespace

Pieces Provider::stream(Ask ask) {
  std::optional<Failure> failed;
  try {
    http::Request request = dialect_->request(ask);
    request.limits.idle = options_.idle_timeout;
    request.limits.total = options_.timeout;
    http::Response response = co_await send(std::move(request));
    if (response.status() == 200) {
      Pieces pieces = decoded(std::move(response), dialect_->decoder());
      while (auto piece = co_await pieces.next()) co_yield std::move(*piece);
      co_return;
    }
    failed = co_await refused(std::move(response));
  } catch (const Failure& failure) {
    hold(failure.retry_after());
    failed = failure;
  } catch (const http::Failure& failure) {
    failed = from_transport(failure);
  } catch (const Error& error) {  // the parser's
    failed = broken(error.what());
  }
  throw std::move(*failed);
}

coro::Task<http::Response> Provider::exchange(http::Request request) {
  // Nothing comes while a long body goes out, and what comes may be long too.
  request.limits.idle = std::max(options_.idle_timeout, options_.timeout);
  request.limits.total = kLongestExchange;
  std::optional<Failure> failed;
  try {
    const Permit permit = co_await admit(0);
    http::Response response = co_await send(std::move(request));
    if (response.status() == 200) co_return response;
    failed = co_await refused(std::move(response));
  } catch (const http::Failure& failure) {
    failed = from_transport(failure);
  }
  throw std::move(*failed);
}

coro::Task<std::string> Provider::whole(http::Response response, std::size_t limit) {
  std::string text;
  http::Chunks chunks = pieces(std::move(response));
  while (auto chunk = co_await chunks.next()) {
    text += *chunk;
    if (text.size() > limit) throw broken(fmt::format("the reply exceeds {} bytes", limit));
  }
  co_return text;
}

http::Chunks Provider::pieces(http::Response response) {
  try {
    http::Chunks chunks = http::Response::body(std::move(response));
    while (auto chunk = co_await chunks.next()) co_yield std::move(*chunk);
  } catch (const http::Failure& failure) {
    throw from_transport(failure);
  }
}

}  // namespace syncd::llm
