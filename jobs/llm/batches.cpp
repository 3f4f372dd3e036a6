#include "jobs/llm/batches.hpp"

#include <fmt/format.h>

#include "jobs/llm/batch_lines.hpp"

namespace syncd::llm {
namespace {

constexpr std::size_t kLargestReply = 8 * 1024 * 1024;  // a page of a list
constexpr std::size_t kLongestLine = 16 * 1024 * 1024;  // an answer

std::string_view type_of(const http::Headers& headers) {
  const std::string_view type = headers.find("content-type").value_or("");
  return type.substr(0, type.find(';'));
}

Failure wrong_type(std::string_view type, std::string_view wanted) {
  return Failure(FailureKind::Invalid, fmt::format("the reply is {}, not {}: is base_url right?",
                                                   type.empty() ? "of no type" : type, wanted))
      .as_ambiguous();
}

}  // namespace

coro::Task<std::string> Batches::call(http::Request request) {
  http::Response response = co_await provider_.exchange(std::move(request));
  if (type_of(response.headers()) != "application/json")
    throw wrong_type(type_of(response.headers()), "JSON");
  std::string text = co_await provider_.whole(std::move(response), kLargestReply);
  co_return text;
}

coro::Task<std::string> Batches::upload(std::string marker, const std::vector<std::string>& entries) {
  std::optional<http::Request> request = dialect_.upload(marker, entries);
  if (!request) co_return std::string();
  const std::string reply = co_await call(std::move(*request));
  co_return dialect_.uploaded(reply);
}

coro::Task<BatchView> Batches::create(std::string marker, const std::vector<std::string>& entries,
                                      std::string file) {
  const std::string reply = co_await call(dialect_.create(marker, entries, file));
  co_return dialect_.view(reply);
}

coro::Task<BatchView> Batches::look(std::string id) {
  const std::string reply = co_await call(dialect_.look(id));
  co_return dialect_.view(reply);
}

coro::Task<BatchPage> Batches::list(std::string path) {
  const std::string reply = co_await call(dialect_.list(path));
  co_return dialect_.page(reply);
}

Batches::Results Batches::results(BatchView view, std::size_t& too_long) {
  for (const std::string& path : view.results) {
    http::Response response = co_await provider_.exchange(dialect_.results(path));
    // Vendors call it by several names; a page for people is the one thing that it is not.
    if (type_of(response.headers()).substr(0, 5) == "text/" && type_of(response.headers()) != "text/plain") {
      throw wrong_type(type_of(response.headers()), "a file of results");
    }
    Lines lines(kLongestLine);
    const std::size_t before = too_long;
    http::Chunks chunks = provider_.pieces(std::move(response));
    while (true) {
      auto chunk = co_await chunks.next();
      lines.feed(chunk ? std::string_view(*chunk) : std::string_view("\n"));  // the last line may have no end
      while (auto line = lines.next()) {
        BatchResult result = dialect_.result(*line);
        co_yield std::move(result);
      }
      too_long = before + lines.too_long();
      if (!chunk) break;
    }
  }
}

}  // namespace syncd::llm
