// Random histories of logs: written, rotated in every way, truncated, replaced, deleted and compressed, while
// the sink fails and the process is killed.  Every line that could be read comes, and none twice.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "tests/unit/jobs/file_following.hpp"

namespace syncd::jobs::test {
namespace {

// One run of the world, from a seed.
class World {
 public:
  explicit World(unsigned seed) : random_(seed), files_("*.log*") {
    files_.options().batch_rows = 1 + below(40);
    files_.options().chunk_bytes = config::Bytes(1 + below(3000));
    files_.take = [this](const Batch& batch) -> std::size_t {
      // A sink that fails takes a part, or nothing.
      if (batch.rows() == 0 || below(20) != 0) return batch.rows();
      return below(static_cast<unsigned>(batch.rows()));
    };
    files_.read_ahead = below(4);
  }

  void play(int events) {
    for (int i = 0; i < events && !::testing::Test::HasFailure(); ++i) event();
    read();
    check_missing();
  }
  std::string history() const { return fmt::format("{}", fmt::join(history_, "\n")); }

 private:
  struct Body {
    std::vector<int> lines;
  };
  static constexpr int kLogs = 2;
  static constexpr int kGenerations = 4;

  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string log() { return std::string(1, static_cast<char>('a' + below(kLogs))) + ".log"; }
  bool exists(const std::string& name) const { return bodies_.count(name) != 0; }
  void note(const std::string& what) { history_.push_back(what); }

  // --- what happens
  void event() {
    switch (below(12)) {
      case 9:
        return below(2) == 0 ? kill() : troubled_read();
      case 10:
      case 11:
        return read();
      default:
        return outside_event();
    }
  }
  void outside_event() {
    switch (below(9)) {
      case 0:
      case 1:
      case 2:
        return write(log());
      case 3:
        return rotate(log());
      case 4:
        return copy_and_truncate(log());
      case 5:
        return replace(log());
      case 6:
        return truncate(log());
      case 7:
        return compress(log());
      default:
        return remove(log());
    }
  }

  void write(const std::string& name) {
    note("write " + name);
    const unsigned count = 1 + below(below(4) == 0 ? 200 : 5);
    history_.back() += fmt::format(" ({} lines from {})", count, next_);
    append(name, count);
  }
  void append(const std::string& name, unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) {
      bodies_[name].lines.push_back(next_);
      text += fmt::format("{} {}\n", next_++, std::string(below(60), 'x'));
    }
    files_.append(name, text);
  }

  std::string rotated(const std::string& name, int generation) {
    const std::string plain = fmt::format("{}.{}", name, generation);
    return exists(plain + ".gz") ? plain + ".gz" : plain;
  }
  // Makes room for NAME.1.
  void shift(const std::string& name) {
    if (const std::string last = rotated(name, kGenerations); exists(last)) erase(last);
    for (int i = kGenerations - 1; i > 0; --i) {
      const std::string from = rotated(name, i);
      if (!exists(from)) continue;
      std::string to = fmt::format("{}.{}", name, i + 1);
      if (from.ends_with(".gz")) to += ".gz";
      files_.rename(from, to);
      bodies_[to] = std::move(bodies_[from]);
      bodies_.erase(from);
      if (known_.erase(from) != 0) known_.insert(to);
    }
  }
  void rotate(const std::string& name) {
    if (!exists(name)) return;
    note("rotate " + name);
    shift(name);
    files_.rename(name, name + ".1");
    bodies_[name + ".1"] = std::move(bodies_[name]);
    bodies_.erase(name);
    if (known_.erase(name) != 0) known_.insert(name + ".1");
    if (below(4) == 0) append(name + ".1", 1);  // who writes has not noticed yet
    if (below(2) == 0) write(name);
  }
  void copy_and_truncate(const std::string& name) {
    if (!exists(name)) return;
    note("copytruncate " + name);
    shift(name);
    files_.copy(name, name + ".1");
    bodies_[name + ".1"] = bodies_[name];
    if (!troubled_ && below(4) == 0) {
      note("(read between)");
      files_.run(std::chrono::milliseconds(100));
      take_in();
    }
    files_.truncate(name);
    bodies_[name].lines.clear();
    if (below(2) == 0) write(name);
  }
  void replace(const std::string& name) {
    if (!exists(name)) return;
    note("replace " + name);
    lose(name);
    bodies_.erase(name);
    known_.erase(name);
    write("new");
    files_.rename("new", name);
    bodies_[name] = std::move(bodies_["new"]);
    bodies_.erase("new");
  }
  void truncate(const std::string& name) {
    if (!exists(name)) return;
    note("truncate " + name);
    may_be_lost(bodies_[name].lines);
    files_.truncate(name);
    bodies_[name].lines.clear();
    if (below(2) == 0) write(name);
  }
  void compress(const std::string& name) {
    const std::string from = fmt::format("{}.{}", name, 1 + below(2));
    if (!exists(from)) return;
    note("compress " + from);
    ASSERT_EQ(std::system(("gzip " + files_.path(from)).c_str()), 0);
    bodies_[from + ".gz"] = std::move(bodies_[from]);
    bodies_.erase(from);
    known_.erase(from);
  }
  void remove(const std::string& name) {
    if (!exists(name)) return;
    note("remove " + name);
    erase(name);
    if (below(2) == 0) write(name);
  }
  void kill() {
    note("kill");
    files_.restart();
    may_be_lost(open_);
    open_.clear();
    known_.clear();
  }
  // Things happen while it reads; in the end it is killed.
  void troubled_read() {
    note("troubled read");
    troubled_ = true;
    unsigned left = below(30);
    files_.meanwhile = [this, &left] {
      if (left-- == 0) return false;
      if (below(4) == 0) {
        outside_event();
        files_.notice();
      }
      return true;
    };
    files_.run(std::chrono::seconds(5));
    files_.meanwhile = [] { return true; };
    troubled_ = false;
    take_in();
    kill();
  }
  void read() {
    note("read");
    const bool shortly = hurried_ || below(2) == 0;
    files_.run(std::chrono::milliseconds(shortly ? 50 : 5000));
    take_in();
    if (shortly) return;  // what may become a copy of another file was not opened yet
    for (const auto& [name, body] : bodies_) {
      if (!body.lines.empty() && !name.ends_with(".gz")) known_.insert(name);
    }
  }

  // --- what must come
  void erase(const std::string& name) {
    files_.remove(name);
    lose(name);
    bodies_.erase(name);
    known_.erase(name);
  }
  // A file that is open is read to its end, unless the process is killed before.
  void lose(const std::string& name) {
    const auto& lines = bodies_[name].lines;
    if (known_.count(name) != 0) {
      open_.insert(open_.end(), lines.begin(), lines.end());
    } else {
      may_be_lost(lines);
    }
  }
  void may_be_lost(const std::vector<int>& lines) { optional_.insert(lines.begin(), lines.end()); }

  void take_in() {
    std::string twice;
    for (const std::string& line : files_.fresh()) {
      const int number = std::stoi(line);
      if (!delivered_.insert(number).second) twice += fmt::format(" {}", number);
    }
    EXPECT_EQ(twice, "");
    for (const std::string& warning : std::exchange(files_.warnings, {})) note("   " + warning);
  }
  void check_missing() {
    files_.run(std::chrono::seconds(10));
    take_in();
    std::string missing;
    for (int i = 0; i < next_; ++i) {
      if (delivered_.count(i) == 0 && optional_.count(i) == 0) missing += fmt::format(" {}", i);
    }
    EXPECT_EQ(missing, "");
  }

  std::minstd_rand random_;
  const bool hurried_ = below(2) == 0;  // nothing is waited for before the end
  bool troubled_ = false;
  Following files_;
  std::map<std::string, Body> bodies_;  // by name
  std::set<std::string> known_;         // names of files that were open after the latest read
  std::vector<int> open_;               // lines of deleted files that only open descriptors hold
  std::set<int> optional_;              // lines that were removed before they could be read
  std::set<int> delivered_;
  int next_ = 0;
  std::vector<std::string> history_;
};

TEST(FileEngineModel, EveryLineOnceWhateverHappens) {
  const char* given = std::getenv("SYNCD_SEED");
  const unsigned first = given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
  const unsigned rounds = given != nullptr ? 1 : 40;
  for (unsigned seed = first; seed != first + rounds; ++seed) {
    World world(seed);
    world.play(60);
    if (HasFailure()) {
      FAIL() << "SYNCD_SEED=" << seed << ":\n" << world.history();
    }
  }
}

}  // namespace
}  // namespace syncd::jobs::test
