// Connections that are cut after every k-th byte of a page and of a commit, in both directions: the run goes
// on by itself, nothing is lost, and no entry of a stream comes twice.
#include <fmt/format.h>

#include "tests/faults/mirrored.hpp"
#include "tests/support/tcp_gate.hpp"

namespace syncd::test {
namespace {

constexpr std::uint64_t kCuts = 20;  // of one conversation

enum class Server { Postgres, Redis };

struct Case {
  const char* name;
  const char* job;
  Server server;
  TcpGate::Direction direction;
};
std::ostream& operator<<(std::ostream& out, const Case& tested) { return out << tested.name; }

class Cut : public ::testing::TestWithParam<Case> {
 protected:
  Cut() {
    syncd_.write_job("hashes", into_hashes());
    syncd_.write_job("stream", into_a_stream());
  }

  // A run over new versions of all rows, from the first byte of its connections to the last.
  Finished run() {
    items_.touch("true");
    EXPECT_EVENTUALLY(
        items_.value("SELECT clock_timestamp() - interval '30 ms' > max(updated_at) FROM items") == "t");
    return syncd_.run({"--once", GetParam().job});
  }
  std::string wrong() {
    const Versions want = items_.rows();
    if (std::string_view(GetParam().job) == "hashes") return difference(want, hashes(redis_));
    const std::vector<Entry> stream = entries(redis_, "items");
    return difference(want, newest(stream)) + repeated(stream);
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  TcpGate to_postgres_{PostgresServer::shared().port()};
  TcpGate to_redis_{redis_.port()};
  Installation syncd_{
      Connected(fmt::format("postgresql://postgres@127.0.0.1:{}/{}", to_postgres_.port(), items_.database())),
      Connected(fmt::format("redis://127.0.0.1:{}/0", to_redis_.port())), "breaker_pause = '100ms..300ms'"};
};

TEST_P(Cut, AfterEveryKthByte) {
  TcpGate& gate = GetParam().server == Server::Postgres ? to_postgres_ : to_redis_;
  const TcpGate::Direction direction = GetParam().direction;
  items_.insert(40);
  const std::uint64_t before = gate.bytes(direction);
  ASSERT_EQ(run().code, 0);
  const std::uint64_t whole = gate.bytes(direction) - before;
  const std::uint64_t step = whole / kCuts + 1;
  for (std::uint64_t bytes = 1; bytes < whole; bytes += step) {
    SCOPED_TRACE(fmt::format("cut after {} of {} bytes", bytes, whole));
    const std::size_t cuts = gate.cuts();
    gate.cut(direction, bytes, bytes % 2 == 0 ? TcpGate::Ending::Close : TcpGate::Ending::Reset);
    const Finished finished = run();
    EXPECT_EQ(finished.code, 0) << finished.err;
    EXPECT_EQ(gate.cuts(), cuts + 1) << "else nothing is tested";
    ASSERT_EQ(wrong(), "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Ways, Cut,
    ::testing::Values(Case{"pages", "hashes", Server::Postgres, TcpGate::ToClient},
                      Case{"queries", "hashes", Server::Postgres, TcpGate::ToServer},
                      Case{"held_pages", "stream", Server::Postgres, TcpGate::ToClient},
                      Case{"commits", "hashes", Server::Redis, TcpGate::ToServer},
                      Case{"replies_to_commits", "hashes", Server::Redis, TcpGate::ToClient},
                      Case{"scripts", "stream", Server::Redis, TcpGate::ToServer},
                      Case{"replies_to_scripts", "stream", Server::Redis, TcpGate::ToClient}),
    [](const auto& entry) { return std::string(entry.param.name); });

}  // namespace
}  // namespace syncd::test
