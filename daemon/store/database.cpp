#include "daemon/store/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <random>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"

namespace syncd::store {
namespace {

// Forward only; entry n brings a database of version n to version n+1.
constexpr std::array<const char*, 3> kStateMigrations = {
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE TABLE positions (job TEXT NOT NULL, partition TEXT NOT NULL, text TEXT NOT NULL,"
    "  saved_us INTEGER NOT NULL, PRIMARY KEY (job, partition)) STRICT, WITHOUT ROWID;"
    "CREATE TABLE runs (id INTEGER PRIMARY KEY, job TEXT NOT NULL, planned_us INTEGER NOT NULL,"
    "  started_us INTEGER NOT NULL, ended_us INTEGER, outcome TEXT NOT NULL, error TEXT NOT NULL DEFAULT '',"
    "  attempts INTEGER NOT NULL DEFAULT 0, rows INTEGER NOT NULL DEFAULT 0,"
    "  bytes INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX runs_by_job ON runs (job, id);"
    "CREATE TABLE pauses (job TEXT PRIMARY KEY, since_us INTEGER NOT NULL, reason TEXT NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE dead_letters (id INTEGER PRIMARY KEY, job TEXT NOT NULL, time_us INTEGER NOT NULL,"
    "  record TEXT NOT NULL, error TEXT NOT NULL) STRICT;"
    "CREATE INDEX dead_letters_by_job ON dead_letters (job, id);",
    // An occurrence of the schedule has one run: the database itself refuses a second start.
    "ALTER TABLE runs ADD COLUMN cause TEXT NOT NULL DEFAULT 'asked';"
    "ALTER TABLE runs ADD COLUMN until_us INTEGER;"
    "ALTER TABLE runs ADD COLUMN occurrences INTEGER NOT NULL DEFAULT 1;"
    "ALTER TABLE runs ADD COLUMN resumed INTEGER NOT NULL DEFAULT 0;"
    "CREATE UNIQUE INDEX runs_by_occurrence ON runs (job, planned_us)"
    "  WHERE cause IN ('schedule', 'catch_up') AND outcome NOT IN ('skipped', 'missed');"
    "CREATE TABLE run_positions (run INTEGER NOT NULL, partition TEXT NOT NULL, before TEXT NOT NULL,"
    "  after TEXT NOT NULL, PRIMARY KEY (run, partition)) STRICT, WITHOUT ROWID;"
    "CREATE TRIGGER runs_forget_positions AFTER DELETE ON runs"
    "  BEGIN DELETE FROM run_positions WHERE run = OLD.id; END;"
    "CREATE TABLE job_states (job TEXT PRIMARY KEY, schedule TEXT NOT NULL, decided_us INTEGER NOT NULL,"
    "  ended_us INTEGER, succeeded INTEGER, why_not TEXT NOT NULL, failures INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;",
    // A job may have been without any position: the change is a row of its own.
    "CREATE TABLE checkpoint_changes (job TEXT PRIMARY KEY, time_us INTEGER NOT NULL, change TEXT NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE previous_positions (job TEXT NOT NULL, partition TEXT NOT NULL, text TEXT NOT NULL,"
    "  PRIMARY KEY (job, partition)) STRICT, WITHOUT ROWID;"};

std::string random_id() {
  std::random_device device;
  return fmt::format("{:08x}{:08x}", device(), device());
}

}  // namespace

Database::CloseFile::~CloseFile() {
  if (fd >= 0) ::close(fd);
}

Database::Database(const std::filesystem::path& directory) : directory_(directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) {
    throw Error(ErrorKind::Permanent,
                fmt::format("making the state directory {}: {}", directory.string(), error.message()));
  }
  ::chmod(directory.c_str(), 0700);
  take_lock(directory / "lock");
  const auto file = directory / "state.db";
  handle_ = sqlite::open(file);
  if (!sqlite::intact(handle_)) {
    handle_.reset();
    set_aside_ = file.string() + ".corrupt-" + rfc3339(wall_now());
    std::filesystem::rename(file, *set_aside_);
    for (const char* suffix : {"-wal", "-shm"}) std::filesystem::remove(file.string() + suffix, error);
    handle_ = sqlite::open(file);
    sqlite::intact(handle_);  // WAL for the new one too
  }
  migrate();
  {
    sqlite::Statement insert(handle_, "INSERT OR IGNORE INTO meta (key, value) VALUES ('instance', ?)");
    insert.bind(random_id()).step();
  }
  sqlite::Statement select(handle_, "SELECT value FROM meta WHERE key = 'instance'");
  select.step();
  instance_ = select.text(0);
}

Database::~Database() = default;

void Database::take_lock(const std::filesystem::path& file) {
  lock_.fd = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_.fd < 0) {
    throw Error(ErrorKind::Permanent, fmt::format("opening {}: {}", file.string(), std::strerror(errno)));
  }
  if (::flock(lock_.fd, LOCK_EX | LOCK_NB) != 0) {
    std::array<char, 32> text{};
    const auto count = ::pread(lock_.fd, text.data(), text.size() - 1, 0);
    throw InUse(fmt::format("the state directory {} is in use by another syncd{}",
                            file.parent_path().string(),
                            count > 0 ? fmt::format(" (pid {})", std::atol(text.data())) : ""));
  }
  const std::string pid = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock_.fd, 0) != 0 || ::pwrite(lock_.fd, pid.data(), pid.size(), 0) < 0) {
    log::debug("", "writing {}: {}", file.string(), std::strerror(errno));  // only the courtesy of a name
  }
}

void Database::migrate() {
  sqlite::execute(handle_.get(), "PRAGMA synchronous=NORMAL; PRAGMA cache_size=-512");
  sqlite::Transaction transaction(handle_);
  sqlite::migrate(handle_, "the state database", kStateMigrations);
  transaction.commit();
}

std::map<std::string, std::string> Database::positions(const std::string& job) {
  sqlite::Statement select(handle_, "SELECT partition, text FROM positions WHERE job = ?");
  select.bind(job);
  std::map<std::string, std::string> found;
  while (select.step()) found[select.text(0)] = select.text(1);
  return found;
}

void Database::save_position(const std::string& job, const std::string& partition, const std::string& text,
                             WallTime time) {
  sqlite::Statement upsert(handle_,
                           "INSERT INTO positions (job, partition, text, saved_us) VALUES (?, ?, ?, ?)"
                           " ON CONFLICT DO UPDATE SET text = excluded.text, saved_us = excluded.saved_us");
  upsert.bind(job).bind(partition).bind(text).bind(time).step();
}

void Database::save_positions(const std::string& job, const std::map<std::string, std::string>& positions,
                              WallTime time) {
  sqlite::Transaction transaction(handle_);
  for (const auto& [partition, text] : positions) save_position(job, partition, text, time);
  transaction.commit();
}

void Database::replace_positions(const std::string& job, const std::map<std::string, std::string>& positions,
                                 WallTime time) {
  sqlite::Transaction transaction(handle_);
  {
    sqlite::Statement clear(handle_, "DELETE FROM positions WHERE job = ?");
    clear.bind(job).step();
  }
  for (const auto& [partition, text] : positions) save_position(job, partition, text, time);
  transaction.commit();
}

int Database::close_interrupted_runs(WallTime time) {
  sqlite::Statement update(handle_,
                           "UPDATE runs SET outcome = 'interrupted', ended_us = ? WHERE outcome = 'running'");
  update.bind(time).step();
  return sqlite3_changes(handle_.get());
}

void Database::keep_previous(const std::string& job, const PreviousCheckpoint& previous) {
  const sqlite::Durable durable(handle_);
  sqlite::Transaction transaction(handle_);
  {
    sqlite::Statement clear(handle_, "DELETE FROM previous_positions WHERE job = ?");
    clear.bind(job).step();
    sqlite::Statement upsert(
        handle_, "INSERT OR REPLACE INTO checkpoint_changes (job, time_us, change) VALUES (?, ?, ?)");
    upsert.bind(job).bind(previous.time).bind(previous.change).step();
  }
  for (const auto& [partition, text] : previous.positions) {
    sqlite::Statement insert(handle_,
                             "INSERT INTO previous_positions (job, partition, text) VALUES (?, ?, ?)");
    insert.bind(job).bind(partition).bind(text).step();
  }
  transaction.commit();
}

std::optional<PreviousCheckpoint> Database::previous_checkpoint(const std::string& job) {
  sqlite::Statement change(handle_, "SELECT time_us, change FROM checkpoint_changes WHERE job = ?");
  change.bind(job);
  if (!change.step()) return std::nullopt;
  PreviousCheckpoint previous{change.time(0), change.text(1), {}};
  sqlite::Statement select(handle_, "SELECT partition, text FROM previous_positions WHERE job = ?");
  select.bind(job);
  while (select.step()) previous.positions[select.text(0)] = select.text(1);
  return previous;
}

void Database::pause(const std::string& job, const std::string& reason, WallTime since) {
  sqlite::Statement upsert(handle_, "INSERT OR REPLACE INTO pauses (job, since_us, reason) VALUES (?, ?, ?)");
  upsert.bind(job).bind(since).bind(reason).step();
}

void Database::resume(const std::string& job) {
  sqlite::Statement erase(handle_, "DELETE FROM pauses WHERE job = ?");
  erase.bind(job).step();
}

std::optional<Pause> Database::paused(const std::string& job) {
  sqlite::Statement select(handle_, "SELECT since_us, reason FROM pauses WHERE job = ?");
  select.bind(job);
  if (!select.step()) return std::nullopt;
  return Pause{select.time(0), select.text(1)};
}

void Database::add_dead_letter(const std::string& job, const std::string& record, const std::string& error,
                               WallTime time) {
  const sqlite::Durable durable(handle_);
  sqlite::Statement insert(handle_,
                           "INSERT INTO dead_letters (job, time_us, record, error) VALUES (?, ?, ?, ?)");
  insert.bind(job).bind(time).bind(record).bind(error).step();
}

std::vector<DeadLetter> Database::dead_letters(const std::string& job, std::uint64_t limit) {
  sqlite::Statement select(handle_,
                           "SELECT id, time_us, record, error FROM dead_letters WHERE job = ?"
                           " ORDER BY id DESC LIMIT ?");
  select.bind(job).bind(static_cast<std::int64_t>(limit));
  std::vector<DeadLetter> found;
  while (select.step()) {
    DeadLetter letter;
    letter.id = select.number(0);
    letter.job = job;
    letter.time = select.time(1);
    letter.record = select.text(2);
    letter.error = select.text(3);
    found.push_back(std::move(letter));
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::uint64_t Database::count_dead_letters(const std::string& job) {
  sqlite::Statement select(handle_, "SELECT count(*) FROM dead_letters WHERE job = ?");
  select.bind(job).step();
  return static_cast<std::uint64_t>(select.number(0));
}

void Database::clear_dead_letters(const std::string& job) {
  sqlite::Statement erase(handle_, "DELETE FROM dead_letters WHERE job = ?");
  erase.bind(job).step();
}

}  // namespace syncd::store
