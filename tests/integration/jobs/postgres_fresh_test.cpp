// How soon postgres_table delivers by a timestamp cursor, and how often it reads a row for that.
#include <atomic>
#include <thread>

#include "tests/integration/jobs/postgres_table_fixture.hpp"

namespace syncd::jobs::source_test {
namespace {

constexpr const char* kPolled = "table = 't'\ncursor = ['updated_at', 'id']\npoll = '10ms'\n";

// Repeats a statement, with this pause after each, while it lives.
class Busy {
 public:
  Busy(const std::string& uri, std::string sql, std::string pause = "0")
      : thread_([this, uri, sql = std::move(sql), pause = std::move(pause)] {
          Client client(uri);
          for (; !stop_; ++times_) {
            client.exec(sql);
            if (pause != "0") client.exec("SELECT pg_sleep(" + pause + ")");
          }
        }) {}
  ~Busy() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int times() const { return times_; }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<int> times_ = 0;
  std::thread thread_;
};

class PostgresTableFresh : public PostgresTableTest {
 protected:
  void SetUp() override {
    PostgresTableTest::SetUp();
    if (server == nullptr) return;
    exec(
        "CREATE TABLE t (id serial PRIMARY KEY, version int NOT NULL DEFAULT 1,"
        " updated_at timestamptz NOT NULL DEFAULT now());"
        "CREATE INDEX ON t (updated_at, id); INSERT INTO t SELECT FROM generate_series(1, 1000)");
  }
};

TEST_F(PostgresTableFresh, ARowThatNeverRestsArrivesAllTheWhile) {
  for (const char* pause : {"0.02", "0"}) {
    Reading reading(uri, kPolled);
    const Busy hot(uri, "UPDATE t SET version = version + 1, updated_at = now() WHERE id = 7", pause);
    std::set<std::string> versions;
    reading.attempt(
        reading.position,
        [&](const Batch& batch) {
          for (std::size_t row = 0; row < batch.rows(); ++row) {
            if (batch.cell(row, 0).text() == "7") versions.emplace(batch.cell(row, 1).text());
          }
          return versions.size() < 10;
        },
        true);
    EXPECT_GE(versions.size(), 10U);
  }
}

TEST_F(PostgresTableFresh, ARowIsReadHardlyMoreThanOnce) {
  for (const char* poll : {"'10ms'", "'1s'"}) {
    Reading reading(uri, "table = 't'\ncursor = ['updated_at', 'id']\npoll = " + std::string(poll) + "\n");
    std::map<std::pair<std::string, std::string>, int> times;  // of each version
    std::size_t rows = 0;
    const auto take = [&](const Batch& batch) {
      for (std::size_t row = 0; row < batch.rows(); ++row) {
        ++times[{std::string(batch.cell(row, 0).text()), std::string(batch.cell(row, 1).text())}];
      }
      rows += batch.rows();
      reading.position = batch.position();
      return rows < 5000;
    };
    {
      const std::string update =
          "UPDATE t SET version = version + 1, updated_at = now()"
          " WHERE id = (SELECT 1 + (random() * 999)::int)";
      std::vector<std::unique_ptr<Busy>> writers;
      for (int i = 0; i < 4; ++i) writers.push_back(std::make_unique<Busy>(uri, update, "0.003"));
      const auto began = std::chrono::steady_clock::now();
      reading.attempt(reading.position, take, true);
      const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
      int updates = 0;
      for (const auto& writer : writers) updates += writer->times();
      std::cout << "poll " << poll << ": " << static_cast<int>(updates / took.count()) << " updates/s, "
                << rows << " rows read of " << times.size() << " versions, position "
                << reading.position.text().size() << " bytes\n";
    }
    EXPECT_LT(rows, 3 * times.size());
  }
}

}  // namespace
}  // namespace syncd::jobs::source_test
