// Writers that do everything that makes a poller lose rows, and a reader that is interrupted anywhere:
// nothing may be missing at the end, and nothing doubled where it is held back.
#include <atomic>
#include <set>
#include <thread>

#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

using namespace std::chrono_literals;

struct Mode {
  const char* name;
  const char* options;  // of the source
  bool serial;          // the cursor is the id: updates are not seen, and not made
  bool repeats;         // the sink's writes may be repeated
  bool loses;           // and must be seen to
};

std::ostream& operator<<(std::ostream& out, const Mode& mode) { return out << mode.name; }

constexpr Mode kModes[] = {
    {"TimeReread", "cursor = ['updated_at', 'id']\nhold_wait = '0s'", false, true, false},
    {"TimeRereadAfterAWait", "cursor = ['updated_at', 'id']", false, true, false},
    {"TimeHold", "cursor = ['updated_at', 'id']", false, false, false},
    {"SerialReread", "cursor = ['id']\nhold_wait = '0s'", true, true, false},
    {"SerialHold", "cursor = ['id']", true, false, false},
    {"Xid", "cursor = ['tx', 'id']\nlate_commits = 'xid'", false, false, false},
    {"Ignore", "cursor = ['updated_at', 'id']\nlate_commits = 'ignore'", false, true, true},
    {"SerialIgnore", "cursor = ['id']\nlate_commits = 'ignore'", true, true, true},
};

// One client that writes transactions of all kinds until `stop`.
class Writer {
 public:
  Writer(const std::string& uri, unsigned number, const Mode& mode, const std::atomic<bool>& stop)
      : client_(uri), number_(number), random_(number + 1), mode_(mode), stop_(stop) {}

  void work() {
    while (!stop_) {
      try {
        transaction();
      } catch (const std::runtime_error&) {
        client_.exec("ROLLBACK");  // a deadlock between two of them
      }
    }
  }

 private:
  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }
  bool chance(unsigned percent) { return roll(100) < percent; }
  void nap(unsigned milliseconds) {
    std::this_thread::sleep_for(std::chrono::microseconds(roll(milliseconds * 1000)));
  }

  void insert(const std::string& id = "DEFAULT") { client_.exec("INSERT INTO t (id) VALUES (" + id + ")"); }

  void transaction() {
    client_.exec("BEGIN");
    std::string drawn = "DEFAULT";
    if (chance(25)) client_.exec("SELECT now()");
    if (chance(25)) drawn = client_.exec("SELECT nextval('t_id_seq')");
    nap(120);
    insert(drawn);
    for (unsigned rows = roll(4); rows > 0; --rows) insert();
    if (chance(30)) {
      client_.exec("SAVEPOINT s");
      insert();
      nap(5);
      client_.exec(chance(50) ? "ROLLBACK TO s" : "RELEASE s");
      insert();
    }
    if (!mode_.serial && chance(40)) update();
    nap(120);
    finish();
  }

  void update() {
    const std::string last = client_.exec("SELECT last_value FROM t_id_seq");
    const unsigned long victim = 1 + random_() % std::stoul(last);
    client_.exec("UPDATE t SET version = version + 1, updated_at = now() WHERE id = " +
                 std::to_string(victim));
  }

  void finish() {
    if (chance(5)) {
      client_.exec("ROLLBACK");
    } else if (chance(20)) {
      const std::string name = "'g" + std::to_string(number_) + "_" + std::to_string(++prepared_) + "'";
      client_.exec("PREPARE TRANSACTION " + name);
      nap(120);
      client_.exec((chance(10) ? "ROLLBACK PREPARED " : "COMMIT PREPARED ") + name);
    } else {
      client_.exec("COMMIT");
    }
  }

  Client client_;
  unsigned number_;
  std::minstd_rand random_;
  const Mode& mode_;
  const std::atomic<bool>& stop_;
  int prepared_ = 0;
};

// Reports that write nothing keep transactions open.
void report(const std::string& uri, const std::atomic<bool>& stop) {
  Client client(uri);
  while (!stop) {
    client.exec("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t");
    for (int i = 0; i < 40 && !stop; ++i) std::this_thread::sleep_for(20ms);
    client.exec("COMMIT");
  }
}

// What has been delivered, and by which attempts.
class Received {
 public:
  explicit Received(Reading& reading) : reading_(reading) {}

  // An attempt that is given up anywhere: after any row, in the middle of a call, or at its end.
  void attempt(std::minstd_rand& random) {
    const bool continuous = random() % 2 == 0;
    const std::size_t patience = random() % 20;  // batches
    const Duration limit = 20ms * (1 + random() % 20);
    std::size_t batches = 0;
    try {
      reading_.attempt(
          reading_.position,
          [&](const Batch& batch) {
            const bool enough = ++batches > patience;
            take(batch, enough ? random() % (batch.rows() + 1) : batch.rows());
            return !enough;
          },
          continuous, limit);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::Transient) << error.what();
    }
  }

  // A run to its end.
  void finish() {
    reading_.attempt(reading_.position, [&](const Batch& batch) {
      take(batch, batch.rows());
      return true;
    });
  }

  std::map<std::string, std::string> last;                   // id -> version
  std::map<std::pair<std::string, std::string>, int> times;  // of each version
  std::size_t rows = 0;

 private:
  void take(const Batch& batch, std::size_t end) {
    for (std::size_t row = 0; row < end; ++row) {
      const std::string id(batch.cell(row, 0).text());
      const std::string version(batch.cell(row, 1).text());
      last[id] = version;
      ++times[{id, version}];
      ++rows;
    }
    reading_.position = batch.position_at(end, reading_.position);
  }

  Reading& reading_;
};

class PostgresStress : public PostgresTableTest, public testing::WithParamInterface<Mode> {};

TEST_P(PostgresStress, LosesNothing) {
  const Mode& mode = GetParam();
  exec(
      "CREATE TABLE t (id bigserial PRIMARY KEY, version int NOT NULL DEFAULT 1,"
      " updated_at timestamptz NOT NULL DEFAULT now(), tx xid8 NOT NULL DEFAULT pg_current_xact_id());"
      "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS"
      " $$BEGIN NEW.tx := pg_current_xact_id(); RETURN NEW; END$$;"
      "CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION stamp();"
      "CREATE INDEX ON t (updated_at, id); CREATE INDEX ON t (tx, id)");
  Reading reading(
      uri,
      std::string(
          "table = 't'\ncolumns = ['id', 'version']\nbatch_rows = 20\npoll = '10ms'\nsettle = '100ms'\n") +
          mode.options,
      mode.repeats);
  Received received(reading);

  std::atomic<bool> stop = false;
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] { Writer(uri, i, mode, stop).work(); });
  }
  threads.emplace_back([&] { report(uri, stop); });
  const auto end = std::chrono::steady_clock::now() + 3s;
  std::minstd_rand random(testing::UnitTest::GetInstance()->random_seed() + 1);
  while (std::chrono::steady_clock::now() < end) received.attempt(random);
  stop = true;
  for (std::thread& thread : threads) thread.join();
  for (int i = 0; i < 2; ++i) {
    // Rows up to `settle` before now are not read yet.
    const std::string now = server->value("SELECT clock_timestamp()", database);
    ASSERT_EVENTUALLY(
        server->value("SELECT clock_timestamp() - interval '200 ms' > '" + now + "'", database) == "t");
    received.finish();
  }

  std::size_t missing = 0;
  std::size_t rows = 0;
  for (const auto& row : server->exec("SELECT id, version FROM t", database)) {
    ++rows;
    const auto found = received.last.find(*row[0]);
    if (found == received.last.end() || found->second != *row[1]) ++missing;
  }
  std::size_t doubled = 0;
  for (const auto& [version, times] : received.times) doubled += times > 1 ? 1 : 0;
  RecordProperty("rows", static_cast<int>(rows));
  RecordProperty("delivered", static_cast<int>(received.rows));
  std::cout << mode << ": " << rows << " rows, " << received.rows << " delivered, " << missing << " missing, "
            << doubled << " doubled\n";
  EXPECT_GT(rows, 100u);
  if (mode.loses) {
    EXPECT_GT(missing, 0u) << "these writers make nobody lose rows: this test shows nothing";
  } else {
    EXPECT_EQ(missing, 0u);
    EXPECT_EQ(reading.describe().find("open to late"), std::string::npos) << reading.describe();
  }
  if (!mode.repeats) {
    EXPECT_EQ(doubled, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(All, PostgresStress, testing::ValuesIn(kModes),
                         [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace syncd::jobs::source_test
