// kill -9 under write load of a daemon that writes a file and a table: afterwards each version of a row that
// was delivered is there once.
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"
#include "tests/support/writers.hpp"

namespace syncd::test {
namespace {

class SinksKill : public ::testing::Test {
 protected:
  SinksKill() : items_(PostgresServer::shared()) {
    const std::string source = "cursor = ['updated_at', 'id']\nbatch_rows = 50";
    items_.exec("CREATE TABLE copies (id bigint, version bigint, text text)");
    // Between two waits for the disk the loop writes, else a thread.
    syncd_.write_job("file", {.sink = "type = 'file'\npath = '" + path_ +
                                      "'\nrotate_bytes = '20KiB'\nfsync_every = '200ms'",
                              .source = source,
                              .settle = "100ms"});
    syncd_.write_job("table", {.sink = "type = 'postgres_table'\nconnection = 'app'\ntable = 'copies'",
                               .source = source,
                               .settle = "100ms"});
  }

  // Every line of the file and of those it was before.
  std::vector<Entry> lines() const {
    std::vector<std::filesystem::path> files;
    for (const auto& entry : std::filesystem::directory_iterator(folder_.path())) {
      if (entry.path().extension() != ".syncd") files.push_back(entry.path());
    }
    // By the moment of their rotation; the one that has none is the last.
    std::sort(files.begin(), files.end(), [this](const auto& a, const auto& b) {
      return (a == path_) != (b == path_) ? b == path_ : a < b;
    });
    std::vector<Entry> all;
    for (const auto& file : files) {
      std::ifstream text(file);
      for (std::string line; std::getline(text, line);) {
        const Json row = Json::parse(line);
        all.push_back(entry(row.at("id"), row.at("version"), row.at("text")));
      }
    }
    return all;
  }
  std::vector<Entry> rows() const {
    std::vector<Entry> all;
    for (const auto& row : items_.exec("SELECT id, version, text FROM copies ORDER BY ctid")) {
      all.push_back(entry(std::stoll(*row[0]), std::stoll(*row[1]), *row[2]));
    }
    return all;
  }
  static Entry entry(std::int64_t id, std::int64_t version, const std::string& text) {
    return Entry{id, version, std::to_string(version) + " " + text};
  }

  // At rest both hold the newest version of every row, and no version twice.
  void expect_nothing_lost_or_doubled() {
    if (!syncd_.running()) syncd_.start();
    const Versions want = items_.rows();
    EXPECT_EVENTUALLY_EQ(difference(want, newest(rows())), "");
    EXPECT_EVENTUALLY_EQ(difference(want, newest(lines())), "");
    EXPECT_EQ(doubled(rows()), "");
    EXPECT_EQ(doubled(lines()), "");
  }
  static std::string doubled(const std::vector<Entry>& entries) {
    std::set<std::pair<std::int64_t, std::int64_t>> seen;
    for (const Entry& one : entries) {
      if (!seen.emplace(one.id, one.version).second) {
        return "version " + std::to_string(one.version) + " of " + std::to_string(one.id) + " came twice";
      }
    }
    return "";
  }

  Items items_;
  TempDir folder_;
  const std::string path_ = folder_ / "items.jsonl";
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri(), "pool = 8"), Connected(redis_.uri())};
};

TEST_F(SinksKill, AtRandomMomentsUnderWriteLoad) {
  constexpr int kRounds = 60;
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::minstd_rand random(seed);
  {
    Writers writers(items_, seed, 4);
    for (int round = 0; round < kRounds; ++round) {
      syncd_.start();
      syncd_.process().wait(std::chrono::milliseconds(random() % 400));
      syncd_.process().kill();
    }
  }
  expect_nothing_lost_or_doubled();
}

class SinksKillAt : public SinksKill, public ::testing::WithParamInterface<const char*> {};

TEST_P(SinksKillAt, ANamedPoint) {
  for (int hit = 1; hit <= 8; ++hit) {
    items_.insert(300);
    items_.touch("id % 7 = 0");
    syncd_.start({{"SYNCD_CRASH_AT", std::string(GetParam()) + ":" + std::to_string(hit)}});
    // Rows come until it is there: how many commits the first ones make depends on the moment.
    EXPECT_EVENTUALLY((items_.insert(100), !syncd_.running()));
    EXPECT_EQ(syncd_.process().wait(), 128 + SIGKILL) << "hit " << hit;
  }
  expect_nothing_lost_or_doubled();
}

INSTANTIATE_TEST_SUITE_P(Points, SinksKillAt,
                         ::testing::Values("before_commit", "before_position_save",
                                           "after_commit_before_reply", "after_rotation"),
                         [](const auto& entry) { return std::string(entry.param); });

}  // namespace
}  // namespace syncd::test
