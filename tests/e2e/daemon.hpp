// A real syncd on a folder of its own, with a private table and a private Redis, and syncctl to talk to it.
#pragma once
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/eventually.hpp"
#include "tests/support/postgres_server.hpp"
#include "tests/support/process.hpp"
#include "tests/support/redis_server.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::test {

using Json = nlohmann::json;

class Daemon {
 public:
  // A table users(id, name, updated_at) with `rows` rows, older than the settle margin of a fence.
  explicit Daemon(int rows = 100) : database_(PostgresServer::shared().fresh_database()) {
    sql(
        fmt::format("CREATE TABLE users (id bigint PRIMARY KEY, name text,"
                    "  updated_at timestamptz NOT NULL DEFAULT clock_timestamp());"
                    "INSERT INTO users SELECT n, 'user ' || n, clock_timestamp() - interval '1 minute'"
                    "  FROM generate_series(1, {}) n;"
                    "CREATE INDEX ON users (updated_at, id)",
                    rows));
    write_config();
    write_job("users", "continuous");
  }
  ~Daemon() {
    if (process_ && ::testing::Test::HasFailure()) std::fputs(log().c_str(), stderr);
  }

  // --- what it runs on
  void write_config(const std::string& more = "") {
    folder_.write("syncd.toml", fmt::format("[daemon]\nstate_dir = \"{0}/state\"\ndrain_timeout = \"10s\"\n"
                                            "[log]\nlevel = \"debug\"\n"
                                            "[control]\nsocket = \"{0}/control.sock\"\ngroup = \"\"\n"
                                            "[connections.app]\ntype = \"postgres\"\nuri = \"{1}\"\n"
                                            "[connections.cache]\ntype = \"redis\"\nuri = \"{2}\"\n{3}",
                                            folder_.path().string(), PostgresServer::shared().uri(database_),
                                            redis_.socket_uri(), more));
  }
  void write_job(const std::string& name, const std::string& schedule, const std::string& source = "",
                 const std::string& sink = "type = \"redis_hash\"\nkey = \"user:{id}\"\n",
                 const std::string& job = "") {
    folder_.write("jobs.d/" + name + ".toml",
                  fmt::format("[jobs.{0}]\nschedule = \"{1}\"\n{4}"
                              "[jobs.{0}.source]\ntype = \"postgres_table\"\nconnection = \"app\"\n"
                              "table = \"public.users\"\ncolumns = [\"id\", \"name\", \"updated_at\"]\n"
                              "cursor = [\"updated_at\", \"id\"]\npoll = \"50ms\"\n{2}"
                              "[jobs.{0}.sink]\nconnection = \"cache\"\n{3}",
                              name, schedule, source, sink, job));
  }
  void remove_job(const std::string& name) {
    std::filesystem::remove(folder_ / ("jobs.d/" + name + ".toml"));
  }
  void sql(const std::string& text) { PostgresServer::shared().exec(text, database_); }
  RedisServer& redis() { return redis_; }
  std::string path(const std::string& name) const { return folder_ / name; }
  const std::string& database() const { return database_; }

  // --- the daemon itself
  std::vector<std::string> command(std::vector<std::string> more = {}) const {
    std::vector<std::string> all = {SYNCD_BINARY, "--config", path("syncd.toml")};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  void start() {
    process_.emplace(command());
    if (!eventually([&] { return !process_->running() || ctl({"version"}).code == 0; })) {
      throw std::runtime_error("syncd does not answer: " + log());
    }
  }
  Process& process() { return *process_; }
  std::string log() const { return process_ ? process_->err() : ""; }

  Finished ctl(std::vector<std::string> arguments, ProcessOptions options = {}) const {
    arguments.insert(arguments.begin(), {SYNCCTL_BINARY, "--socket", path("control.sock")});
    return run_program(std::move(arguments), std::move(options));
  }
  // The status of a job as --json shows it; null where there is none.
  Json status(const std::string& job = "users") const {
    const Finished finished = ctl({"status", job, "--json"});
    return finished.code == 0 ? Json::parse(finished.out) : Json();
  }
  std::string state(const std::string& job = "users") const {
    const Json now = status(job);
    return now.is_null() ? "" : now["state"].get<std::string>();
  }
  bool caught_up(const std::string& job = "users") const {
    return ctl({"status", job, "--json"}).out.find("\"caught_up\":true") != std::string::npos;
  }
  std::string name_of(int id) { return redis_.call(fmt::format("HGET user:{} name", id)).text; }

 private:
  TempDir folder_;
  RedisServer redis_;
  std::string database_;
  std::optional<Process> process_;
};

}  // namespace syncd::test
