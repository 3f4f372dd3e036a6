#include "tests/support/postgres_server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <filesystem>
#include <pqxx/pqxx>

#include "tests/support/eventually.hpp"

namespace syncd::test {
namespace fs = std::filesystem;
namespace {

// Debian keeps each version in a folder of its own; the newest wins.
fs::path program(const std::string& name) {
  fs::path best;
  int newest = 0;
  std::error_code none;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int number = std::atoi(version.path().filename().c_str());
    if (number > newest && fs::exists(version.path() / "bin" / name)) {
      newest = number;
      best = version.path() / "bin" / name;
    }
  }
  return best;
}

// In memory, where there is room: a server is a thousand small files, made and thrown away.
std::string roomy_parent() {
  struct statvfs space {};
  const bool room = ::statvfs("/dev/shm", &space) == 0 && space.f_bavail * space.f_frsize > (1UL << 30);
  return room ? "/dev/shm" : "/tmp";
}

// PostgreSQL refuses to run as root.
std::string account() {
  if (::geteuid() != 0) return "";
  return ::getpwnam("postgres") != nullptr ? "postgres" : "nobody";
}

void give_to(const std::string& user, const fs::path& folder) {
  const passwd* owner = user.empty() ? nullptr : ::getpwnam(user.c_str());
  if (owner == nullptr) return;
  const auto give = [owner](const fs::path& path) {
    if (::lchown(path.c_str(), owner->pw_uid, owner->pw_gid) != 0) {
      throw std::runtime_error("cannot give away " + path.string());
    }
  };
  give(folder);
  for (const auto& entry : fs::recursive_directory_iterator(folder)) give(entry.path());
}

void initialise(const fs::path& data) {
  give_to(account(), data.parent_path());
  ProcessOptions options;
  options.user = account();
  options.cwd = "/";
  const Finished done =
      run_program({program("initdb").string(), "-D", data.string(), "-A", "trust", "-U", "postgres", "-N",
                   "--no-instructions", "-E", "UTF8", "--locale=C.UTF-8", "--wal-segsize=1"},
                  options);
  if (done.code != 0) throw std::runtime_error("initdb: " + done.err);
}

// Every test case is a process of its own, so initdb's result is kept beside the test program.
void copy_of_template(const fs::path& data) {
  const fs::path build = fs::read_symlink("/proc/self/exe").parent_path();
  const std::string version = program("initdb").parent_path().parent_path().filename();
  const fs::path kept = build / ("postgres-template-" + version);
  const int lock = ::open((kept.string() + ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644);
  if (lock < 0) return initialise(data);  // a build folder that is not ours
  ::flock(lock, LOCK_EX);
  if (!fs::exists(kept)) {
    const TempDir folder;
    fs::create_directory(folder / "pg");
    initialise(folder.path() / "pg" / "data");
    const fs::path partial = kept.string() + ".partial";
    fs::remove_all(partial);
    fs::copy(folder.path() / "pg" / "data", partial, fs::copy_options::recursive);
    fs::rename(partial, kept);
  }
  ::close(lock);
  fs::copy(kept, data, fs::copy_options::recursive);
  fs::permissions(data, fs::perms::owner_all);
  give_to(account(), data.parent_path());
}

std::string escaped(const std::string& text) {
  std::string out;
  for (const char c : text) {
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') {
      out += c;
    } else {
      out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return out;
}

}  // namespace

bool PostgresServer::installed() { return !program("postgres").empty(); }

PostgresServer& PostgresServer::shared() {
  static PostgresServer server;
  return server;
}

PostgresServer::PostgresServer(std::vector<std::string> settings)
    : folder_(roomy_parent()), settings_(std::move(settings)) {
  if (!installed()) throw std::runtime_error("no PostgreSQL below /usr/lib/postgresql");
  fs::create_directory(folder_ / "pg");
  copy_of_template(folder_.path() / "pg" / "data");
  std::ofstream(folder_ / "pg/data/pg_hba.conf") << "local all all trust\n"
                                                    "host all with_password 127.0.0.1/32 scram-sha-256\n"
                                                    "host all all 127.0.0.1/32 trust\n";
  start();
}

PostgresServer::~PostgresServer() {
  if (process_) stop(Stop::Immediate);
}

void PostgresServer::start() {
  std::vector<std::string> command{
      program("postgres").string(), "-D", folder_ / "pg/data", "-k", folder_ / "pg", "-p",
      std::to_string(port())};
  std::vector<std::string> all{"listen_addresses=127.0.0.1",
                               "max_prepared_transactions=20",
                               "fsync=off",
                               "full_page_writes=off",
                               "shared_buffers=16MB",
                               "logging_collector=off",
                               "log_line_prefix=%m [%p] %a ",
                               "autovacuum=off"};
  all.insert(all.end(), settings_.begin(), settings_.end());
  for (const std::string& setting : all) command.insert(command.end(), {"-c", setting});
  ProcessOptions options;
  options.user = account();
  options.cwd = "/";
  options.death_signal = SIGQUIT;  // frees its shared memory, unlike SIGKILL
  process_ = std::make_unique<Process>(std::move(command), options);
  const std::string address = socket_uri();
  const bool ready = eventually([&] { return !process_->running() || PQping(address.c_str()) == PQPING_OK; });
  if (!ready || !process_->running()) throw std::runtime_error("PostgreSQL does not start: " + log());
}

void PostgresServer::stop(Stop how) {
  process_->signal(how == Stop::Fast ? SIGINT : SIGQUIT);
  if (!process_->wait()) process_->kill();
}

Frozen PostgresServer::freeze() { return Frozen(with_children(process_->pid())); }

std::string PostgresServer::uri(const std::string& database, const std::string& user) const {
  return fmt::format("postgresql://{}@127.0.0.1:{}/{}", user, port(), database);
}

std::string PostgresServer::socket_uri(const std::string& database) const {
  return fmt::format("postgresql://postgres@{}:{}/{}", escaped(folder_ / "pg"), port(), database);
}

std::string PostgresServer::socket_path() const { return folder_ / fmt::format("pg/.s.PGSQL.{}", port()); }

Table PostgresServer::exec(const std::string& sql, const std::string& database) {
  pqxx::connection connection(socket_uri(database));
  pqxx::nontransaction transaction(connection);
  const pqxx::result result = transaction.exec(sql);
  Table table;
  for (const auto& row : result) {
    auto& cells = table.emplace_back();
    for (const auto& field : row) {
      if (field.is_null()) {
        cells.emplace_back();
      } else {
        cells.emplace_back(std::string(field.c_str(), field.size()));
      }
    }
  }
  return table;
}

std::string PostgresServer::value(const std::string& sql, const std::string& database) {
  const Table table = exec(sql, database);
  return table.empty() || table[0].empty() ? "" : table[0][0].value_or("");
}

std::string PostgresServer::fresh_database() {
  std::string name = fmt::format("test_{}", ++databases_);
  exec("CREATE DATABASE " + name);
  return name;
}

int PostgresServer::terminate_backends(const std::string& application) {
  return std::stoi(
      value(fmt::format("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                        " WHERE pid <> pg_backend_pid() AND application_name LIKE '{}'",
                        application)));
}

}  // namespace syncd::test
