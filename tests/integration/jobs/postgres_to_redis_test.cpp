// What PostgreSQL writes, as a Redis sink takes it.
#include "tests/integration/jobs/postgres_table_fixture.hpp"
#include "tests/integration/jobs/sink_test.hpp"

namespace syncd::jobs {
namespace {

class PostgresToRedis : public test::SinkTest {
 protected:
  void SetUp() override {
    if (!syncd::test::PostgresServer::installed()) GTEST_SKIP() << "PostgreSQL is not installed";
  }
  void sql(const std::string& text) { syncd::test::PostgresServer::shared().exec(text, database()); }

  // One run of a job that reads the table t.
  void sync(Sink& sink) {
    std::vector<Batch> batches;
    reading_->attempt(reading_->position, [&](const Batch& batch) {
      batches.push_back(batch.slice(0, batch.rows(), reading_->position));
      reading_->position = batch.position();
      return true;
    });
    for (const Batch& batch : batches) {
      if (!batch.empty()) commit(sink, batch);
    }
  }
  void read_t() {
    reading_.emplace(syncd::test::PostgresServer::shared().socket_uri(database()),
                     "table = 't'\ncursor = ['at', 'id']\nsettle = '0s'\n");
  }

  std::optional<source_test::Reading> reading_;
};

TEST_F(PostgresToRedis, ARowIsDeletedByItsBoolean) {
  sql("CREATE TABLE t (id int PRIMARY KEY, gone bool NOT NULL DEFAULT false,"
      " at timestamptz NOT NULL DEFAULT clock_timestamp()); INSERT INTO t VALUES (1), (2)");
  read_t();
  stream_columns_ = {"id", "gone", "at"};
  auto sink = opened(redis_hash(), R"(
key = "user:{id}"
fields = ["id", "gone"]
delete_if = { field = "gone", equals = true }
)");
  sync(*sink);
  EXPECT_EQ(hash("user:1"), "id 1 gone f");
  sql("UPDATE t SET gone = true, at = clock_timestamp() WHERE id = 1");
  sync(*sink);
  EXPECT_EQ(redis_.call("EXISTS user:1").integer, 0);
  EXPECT_EQ(hash("user:2"), "id 2 gone f");
}

}  // namespace
}  // namespace syncd::jobs
