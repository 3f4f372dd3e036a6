// What the tests of the Redis driver share.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <iterator>
#include <sstream>

#include "daemon/redis/command.hpp"
#include "daemon/redis/connection.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::redis::test {

using namespace std::chrono_literals;
using syncd::test::error_of;
using syncd::test::run_task;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

inline Options options(const std::string& uri) {
  Options all;
  all.uri = config::Uri(uri);
  all.connect_timeout = 20s;
  all.timeout = 20s;
  return all;
}

inline std::string gate_uri(const syncd::test::TcpGate& gate) {
  return "redis://127.0.0.1:" + std::to_string(gate.port());
}

// "CLIENT ID" as a command.  (An initializer list beside an await is more than g++ 12 can take.)
inline std::vector<std::string> words(const std::string& text) {
  std::istringstream in(text);
  return {std::istream_iterator<std::string>(in), std::istream_iterator<std::string>()};
}

// Opens a connection for one command; its reply as text.
inline coro::Task<std::string> ask(loop::EventLoop& loop, const Options& options,
                                   std::vector<std::string> words) {
  auto connection = co_await Connection::open(loop, options);
  const Replies replies = co_await connection->command(std::move(words));
  const Reply reply = replies[0];
  if (reply.type() == ReplyType::Integer) co_return std::to_string(reply.integer());
  co_return std::string(reply.text());
}

class RedisDriver : public testing::Test {
 protected:
  std::string ask(const Options& options, std::vector<std::string> words) {
    return run_task(loop, test::ask(loop, options, std::move(words)));
  }
  Error refusal(const Options& options) { return error_of(loop, Connection::open(loop, options)); }
  std::unique_ptr<Connection> open(const Options& options) {
    return run_task(loop, Connection::open(loop, options));
  }
  Error failure(Connection& connection, std::vector<std::string> words) {
    return error_of(loop, connection.command(std::move(words)));
  }

  loop::EventLoop loop;
};

}  // namespace syncd::redis::test
