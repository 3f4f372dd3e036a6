// What the tests of the PostgreSQL driver share.
#pragma once
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/postgres/connection.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/run_task.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::postgres::test {

using namespace std::chrono_literals;
using syncd::test::error_of;
using syncd::test::Frozen;
using syncd::test::PostgresServer;
using syncd::test::run_task;
using syncd::test::TcpGate;
using testing::AnyOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

inline Options options(const std::string& uri) {
  Options all;
  all.uri = config::Uri(uri);
  all.connect_timeout = 20s;
  return all;
}

inline std::string gate_uri(const TcpGate& gate, const std::string& database = "postgres") {
  return "postgresql://postgres@127.0.0.1:" + std::to_string(gate.port()) + "/" + database;
}

inline coro::Task<Rows> query(Connection& connection, std::string sql, Params params = {},
                              Duration limit = 25s) {
  auto call = connection.run(limit, "asking",
                             [&sql, &params](Session& session) { return session.exec(sql, params); });
  Rows rows = co_await std::move(call);
  co_return rows;
}

// A connection of its own, with its options.
struct Client {
  explicit Client(loop::EventLoop& on, Options with, Duration grace = Connection::kGrace)
      : loop(on), options(std::move(with)), connection(loop, options, "syncd test", grace) {}

  Rows rows(std::string sql, Params params = {}) {
    return run_task(loop, query(connection, std::move(sql), std::move(params)));
  }
  // The first cell.
  std::string value(std::string sql, Params params = {}) {
    const Rows all = rows(std::move(sql), std::move(params));
    return all.size() == 0 ? "no row" : all.value(0, 0).value_or("NULL");
  }
  Error error(std::string sql, Params params = {}, Duration limit = 25s) {
    return error_of(loop, query(connection, std::move(sql), std::move(params), limit));
  }

  loop::EventLoop& loop;
  const Options options;
  Connection connection;
};

class PostgresDriver : public testing::Test {
 protected:
  static PostgresServer& server() { return PostgresServer::shared(); }
  loop::EventLoop loop;
};

}  // namespace syncd::postgres::test
