// The disk of the state directory is full.  Jobs whose sink holds their position go on, what needs the disk
// waits for it, `status` tells of both, and all of it ends when there is room again.
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "tests/faults/mirrored.hpp"

namespace syncd::test {
namespace {

// Writes of the daemon fail from now on.
class FullDisk {
 public:
  virtual ~FullDisk() = default;
  virtual void fill() = 0;
  virtual void free() = 0;
};

// No file of the process may grow: needs no privilege.
class FileSizeLimit final : public FullDisk {
 public:
  explicit FileSizeLimit(Installation& syncd) : syncd_(syncd) {}
  void fill() override { set(1); }
  void free() override { set(RLIM_INFINITY); }

 private:
  void set(rlim_t most) {
    const rlimit limit{most, RLIM_INFINITY};
    if (::prlimit(syncd_.process().pid(), RLIMIT_FSIZE, &limit, nullptr) != 0) {
      throw std::runtime_error("no file size limit");
    }
  }
  Installation& syncd_;
};

// A file system of 1 MB for the state directory.
class SmallFileSystem final : public FullDisk {
 public:
  explicit SmallFileSystem(Installation& syncd) : path_(syncd.path("state")) {
    std::filesystem::create_directory(path_);
    mounted_ = ::mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=1m,mode=0700") == 0;
  }
  ~SmallFileSystem() override {
    if (mounted_) ::umount2(path_.c_str(), MNT_DETACH);
  }
  bool mounted() const noexcept { return mounted_; }
  void fill() override {
    std::ofstream filler(path_ + "/filler", std::ios::binary);
    const std::string page(4096, 'x');
    while (filler.write(page.data(), static_cast<std::streamsize>(page.size())).flush()) {
    }
  }
  void free() override { std::filesystem::remove(path_ + "/filler"); }

 private:
  std::string path_;
  bool mounted_ = false;
};

enum class Way { FileSizeLimit, SmallFileSystem };

class Disk : public ::testing::TestWithParam<Way> {
 protected:
  void SetUp() override {
    if (GetParam() == Way::FileSizeLimit) {
      disk_ = std::make_unique<FileSizeLimit>(syncd_);
      return;
    }
    auto file_system = std::make_unique<SmallFileSystem>(syncd_);
    if (!file_system->mounted()) GTEST_SKIP() << "may not mount a file system";
    disk_ = std::move(file_system);
  }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri(), "pool = 4"), Connected(redis_.uri(), "pool = 4")};
  std::unique_ptr<FullDisk> disk_;
};

TEST_P(Disk, JobsWhoseSinkHoldsTheirPositionGoOn) {
  syncd_.write_job("hashes", into_hashes());
  syncd_.write_job("stream", into_a_stream());
  items_.insert(120);
  syncd_.start();
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  disk_->fill();
  // The local copy is written once a second at most, and only when something comes.
  EXPECT_EVENTUALLY(
      (items_.touch("id % 3 = 0"), holds(syncd_.ctl({"status", "hashes"}).out, "state database")));
  EXPECT_EVENTUALLY(
      (items_.touch("id % 3 = 0"), holds(syncd_.ctl({"explain", "stream"}).out, "state database")));
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  EXPECT_EQ(syncd_.state("hashes"), "running");
  disk_->free();
  EXPECT_EVENTUALLY(
      (items_.touch("id % 3 = 0"), !holds(syncd_.ctl({"status", "hashes"}).out, "state database")));
  EXPECT_EVENTUALLY_EQ(wrong_in(redis_, items_.rows()), "");
  EXPECT_TRUE(syncd_.running());
}

// A run that begins and ends meanwhile is missing in the history, no more.
TEST_P(Disk, ARunIsMadeAllTheSame) {
  JobLines job = into_hashes();
  job.schedule = "manual";
  syncd_.write_job("hashes", job);
  items_.insert(120);
  syncd_.start();
  disk_->fill();
  EXPECT_EVENTUALLY_EQ(
      items_.value("SELECT clock_timestamp() - interval '30 ms' > max(updated_at) FROM items"), "t");
  const Finished run = syncd_.ctl({"run", "hashes", "--wait"});
  EXPECT_EQ(run.code, 0) << run.err;
  EXPECT_EQ(difference(items_.rows(), hashes(redis_)), "");
  disk_->free();
}

// A dead letter that cannot be kept stops its job: the record would be lost.
TEST_P(Disk, ADeadLetterWaitsForRoom) {
  JobLines job = into_hashes();
  job.job = "on_bad_record = 'dead_letter'";
  syncd_.write_job("hashes", job);
  items_.insert(20);
  syncd_.start();
  EXPECT_EVENTUALLY(syncd_.caught_up("hashes"));
  disk_->fill();
  redis_.call("DEL item:7");
  redis_.call("SET item:7 in_the_way");
  items_.touch("true");
  EXPECT_EVENTUALLY(holds(syncd_.waiting_for("hashes"), "state database"));
  EXPECT_EQ(syncd_.status("hashes").value("dead_letters", 0), 0);
  disk_->free();
  EXPECT_EVENTUALLY(syncd_.caught_up("hashes"));
  EXPECT_GE(syncd_.status("hashes").value("dead_letters", 0), 1);
  redis_.call("DEL item:7");
  EXPECT_EVENTUALLY_EQ(difference(items_.rows("id <> 7"), hashes(redis_)), "");
}

INSTANTIATE_TEST_SUITE_P(Ways, Disk, ::testing::Values(Way::FileSizeLimit, Way::SmallFileSystem),
                         [](const auto& entry) {
                           return entry.param == Way::FileSizeLimit ? "FileSizeLimit" : "SmallFileSystem";
                         });

}  // namespace
}  // namespace syncd::test
