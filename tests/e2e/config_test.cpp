// A wrong configuration, one case per class: `syncd --check` names the place, the finding and the remedy of
// every mistake of every file at once, and exits with 78.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <map>

#include "tests/support/process.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::test {
namespace {

struct Mistake {
  const char* name;
  std::map<std::string, std::string> files;  // beside a syncd.toml and a job that are well, or in their place
  const char* want;                          // the lines of the message, without the folder
};
std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.name; }

constexpr const char* kMain =
    "[connections.app]\n"
    "type = 'postgres'\n"
    "uri = 'postgresql://sync@127.0.0.1/app'\n"
    "[connections.cache]\n"
    "type = 'redis'\n"
    "uri = 'redis://127.0.0.1'\n";

constexpr const char* kSource =
    "[jobs.users.source]\n"
    "type = 'postgres_table'\n"
    "connection = 'app'\n"
    "table = 'users'\n"
    "columns = ['id', 'email', 'updated_at']\n"
    "cursor = ['updated_at', 'id']\n";
constexpr const char* kSink =
    "[jobs.users.sink]\n"
    "type = 'redis_hash'\n"
    "connection = 'cache'\n"
    "key = 'user:{id}'\n";

// jobs.d/users.toml with these lines for the job, the source and the sink.
std::string job(const std::string& lines, const std::string& source = "", const std::string& sink = "") {
  return "[jobs.users]\n" + lines + kSource + source + kSink + sink;
}
std::string every(const std::string& lines) { return "schedule = 'every 30s'\n" + lines; }

class Configuration : public ::testing::TestWithParam<Mistake> {
 protected:
  Configuration() {
    folder_.write("syncd.toml", kMain);
    folder_.write("jobs.d/users.toml", job(every("")));
  }
  Finished check() {
    Finished finished = run_program({SYNCD_BINARY, "--config", folder_ / "syncd.toml", "--check"});
    const std::string prefix = folder_.path().string() + "/";
    for (std::size_t at = 0; (at = finished.err.find(prefix, at)) != std::string::npos;) {
      finished.err.erase(at, prefix.size());
    }
    return finished;
  }
  TempDir folder_;
};

TEST_F(Configuration, WithoutAMistakeIsFine) {
  const Finished finished = check();
  EXPECT_EQ(finished.code, 0) << finished.err;
  EXPECT_NE(finished.out.find("1 job and 2 connections, no mistake found"), std::string::npos)
      << finished.out;
}

TEST_P(Configuration, IsRefusedWithPlaceFindingAndRemedy) {
  for (const auto& [name, text] : GetParam().files) folder_.write(name, text);
  const Finished finished = check();
  EXPECT_EQ(finished.code, 78);
  EXPECT_EQ(finished.err, GetParam().want);
}

// A secret that other users can read where it stands.
TEST_F(Configuration, RefusesAPasswordThatEveryUserCanRead) {
  const std::string file = folder_.write("syncd.toml", std::string(kMain) + "password = 'hunter2'\n");
  ::chmod(file.c_str(), 0644);
  const Finished finished = check();
  EXPECT_EQ(finished.code, 78);
  EXPECT_EQ(finished.err,
            "syncd.toml:7:1: 'password' stands in a file that every user can read (mode 0644): write { "
            "credential = \"NAME\" }, { env = \"NAME\" } or { file = \"/path\" }, or chmod 640 the file\n"
            "syncd: 1 mistake in the configuration\n");
  EXPECT_EQ(finished.err.find("hunter2"), std::string::npos) << "a message is no place for a password";
  ::chmod(file.c_str(), 0600);
  EXPECT_EQ(check().code, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Classes, Configuration,
    ::testing::Values(
        Mistake{"UnknownKey",
                {{"jobs.d/users.toml", job(every("descripton = 'x'\n"), "batch_row = 5\n")}},
                "jobs.d/users.toml:3:1: unknown key 'descripton'; did you mean 'description'?\n"
                "jobs.d/users.toml:10:1: unknown key 'batch_row'; did you mean 'batch_rows'?\n"
                "syncd: 2 mistakes in the configuration\n"},
        Mistake{"WrongType",
                {{"jobs.d/users.toml", job(every("retry = 5\n"), "batch_rows = '5000'\n")}},
                "jobs.d/users.toml:3:1: 'retry' must be a table, found an integer\n"
                "jobs.d/users.toml:10:1: 'batch_rows' must be an integer, found a string\n"
                "syncd: 2 mistakes in the configuration\n"},
        Mistake{
            "BadDuration",
            {{"jobs.d/users.toml", job(every("timeout = 600\n"), "settle = '5 parsecs'\n", "ttl = '7'\n")}},
            "jobs.d/users.toml:3:1: 'timeout' must be a duration, found an integer; write a duration with a "
            "unit, such as \"30s\"\n"
            "jobs.d/users.toml:10:1: 'settle': found '5 parsecs'; write a duration with a unit (ns us ms s m "
            "h d w), such as \"30s\" or \"1h30m\"\n"
            "jobs.d/users.toml:15:1: 'ttl': found '7'; write a duration with a unit (ns us ms s m h d w), "
            "such as \"30s\" or \"1h30m\"\n"
            "syncd: 3 mistakes in the configuration\n"},
        Mistake{"BadSize",
                {{"jobs.d/users.toml", job(every(""), "", "max_bytes = '1 MX'\n")}},
                "jobs.d/users.toml:13:1: 'max_bytes': found '1 MX'; write a size with a unit (B KB MB GB TB "
                "KiB MiB GiB TiB), such as \"64KiB\"\n"
                "syncd: 1 mistake in the configuration\n"},
        Mistake{"OutOfRange",
                {{"jobs.d/users.toml", job(every(""), "batch_rows = 0\npoll = '1ms'\n")}},
                "jobs.d/users.toml:9:1: 'batch_rows' must be 1 to 1000000, found 0\n"
                "jobs.d/users.toml:10:1: 'poll' must be 10ms to 1h, found 1ms\n"
                "syncd: 2 mistakes in the configuration\n"},
        Mistake{
            "UnknownWord",
            {{"jobs.d/users.toml", job(every("on_bad_record = 'dead-leter'\n"), "late_commits = 'fense'\n")}},
            "jobs.d/users.toml:3:1: 'on_bad_record' must be halt | skip | dead_letter, found 'dead-leter'; "
            "did you mean 'dead_letter'?\n"
            "jobs.d/users.toml:10:1: unknown late_commits 'fense'; did you mean 'fence'?\n"
            "syncd: 2 mistakes in the configuration\n"},
        Mistake{"UnknownConnection",
                {{"jobs.d/users.toml", "[jobs.users]\n" + every("") +
                                           "[jobs.users.source]\ntype = 'postgres_table'\nconnection = "
                                           "'ap'\ntable = 'users'\ncursor = ['id']\n" +
                                           kSink}},
                "jobs.d/users.toml:5:1: unknown postgres connection 'ap'; did you mean 'app'?\n"
                "syncd: 1 mistake in the configuration\n"},
        Mistake{"WrongConnectionType",
                {{"jobs.d/users.toml",
                  "[jobs.users]\n" + every("") + kSource +
                      "[jobs.users.sink]\ntype = 'redis_hash'\nconnection = 'app'\nkey = 'user:{id}'\n"}},
                "jobs.d/users.toml:11:1: connection 'app' is of type 'postgres', 'redis' is needed; known: "
                "cache\n"
                "syncd: 1 mistake in the configuration\n"},
        Mistake{
            "UnknownComponentType",
            {{"jobs.d/users.toml",
              "[jobs.users]\n" + every("") +
                  "[jobs.users.source]\ntype = 'postgres_tabel'\n[jobs.users.sink]\ntype = "
                  "'redis_hsah'\n[[jobs.users.transforms]]\ntype = 'renmae'\n"}},
            "jobs.d/users.toml:4:1: unknown source type 'postgres_tabel'; did you mean 'postgres_table'?\n"
            "jobs.d/users.toml:6:1: unknown sink type 'redis_hsah'; did you mean 'redis_hash'?\n"
            "jobs.d/users.toml:8:1: unknown transform type 'renmae'; did you mean 'rename'?\n"
            "syncd: 3 mistakes in the configuration\n"},
        Mistake{
            "UnknownColumn",
            {{"jobs.d/users.toml", "[jobs.users]\n" + every("") + kSource +
                                       "[jobs.users.sink]\ntype = 'redis_hash'\nconnection = 'cache'\nkey = "
                                       "'user:{idd}'\nfields = ['id', 'emial', 'phone']\n"}},
            "jobs.d/users.toml:12:1: unknown column 'idd'; did you mean 'id'?\n"
            "jobs.d/users.toml:13:1: unknown column 'emial'; did you mean 'email'?\n"
            "jobs.d/users.toml:13:1: unknown column 'phone'; known: id, email, updated_at\n"
            "syncd: 3 mistakes in the configuration\n"},
        Mistake{
            "JobInTwoFiles",
            {{"jobs.d/again.toml", job(every(""))}},
            "jobs.d/users.toml:1:1: job 'users' is defined twice; the other one is at jobs.d/again.toml:1:1\n"
            "syncd: 1 mistake in the configuration\n"},
        Mistake{
            "BadJobName",
            {{"jobs.d/users.toml",
              "[jobs.Users]\n" +
                  every("source = { type = 'postgres_table', connection = 'app', table = 't', cursor = "
                        "['id'] }\nsink = { type = 'redis_hash', connection = 'cache', key = '{id}' }\n")}},
            "jobs.d/users.toml:1:7: 'Users' is no name for a job: use 1 to 63 of a-z, 0-9, '_' and '-', "
            "beginning with a letter or digit\n"
            "syncd: 1 mistake in the configuration\n"},
        Mistake{"BadSchedule",
                {{"jobs.d/users.toml", job("schedule = 'every 30 parsecs'\n")},
                 {"jobs.d/more.toml",
                  "[jobs.a]\nschedule = '*/5 * * * *'\nsource = {}\nsink = {}\n[jobs.b]\nschedule = 'cron 0 "
                  "25 * * *'\nsource = { type = 7 }\nsink = 8\n"}},
                "jobs.d/more.toml:2:1: 'schedule': found '*/5 * * * *'; write \"cron */5 * * * *\"\n"
                "jobs.d/more.toml:3:10: required key 'type' is missing in [jobs.a.source]\n"
                "jobs.d/more.toml:4:8: required key 'type' is missing in [jobs.a.sink]\n"
                "jobs.d/more.toml:6:1: 'schedule': hour: found '25'; write 0 to 23\n"
                "jobs.d/more.toml:7:12: 'type' must be a string, found an integer\n"
                "jobs.d/more.toml:8:1: 'sink' must be a table, found an integer\n"
                "jobs.d/users.toml:2:1: 'schedule': found '30 parsecs'; write a duration with a unit (ns us "
                "ms s m h d w), such as \"30s\" or \"1h30m\"\n"
                "syncd: 7 mistakes in the configuration\n"},
        Mistake{"UnknownTimeZone",
                {{"jobs.d/users.toml", job("schedule = '@daily'\ntime_zone = 'Europe/Pariss'\n")}},
                "jobs.d/users.toml:3:1: unknown time zone 'Europe/Pariss'; did you mean 'Europe/Paris'?\n"
                "syncd: 1 mistake in the configuration\n"},
        Mistake{"ZoneWithoutEffect",
                {{"jobs.d/users.toml", job(every("time_zone = 'Europe/Paris'\n"))}},
                "jobs.d/users.toml:3:1: 'time_zone' has no effect on the schedule 'every 30s'; remove it\n"
                "syncd: 1 mistake in the configuration\n"},
        Mistake{"Syntax",
                {{"syncd.toml", std::string(kMain) + "[daemon\n"},
                 {"jobs.d/users.toml", job(every("descripton = 'x'\n"))},
                 {"jobs.d/b.toml", "[jobs.b]\nschedule = every 5s\n"}},
                "jobs.d/b.toml:2:12: Error while parsing value: a string needs quotes\n"
                "jobs.d/users.toml:3:1: unknown key 'descripton'; did you mean 'description'?\n"
                "syncd.toml:7:8: Error while parsing table header: expected ']', saw '\\n'\n"
                "syncd: 3 mistakes in the configuration\n"},
        Mistake{"UnreadableSecret",
                {{"syncd.toml",
                  std::string(kMain) +
                      "password = { file = '/nonexistent/secret' }\n[connections.b]\ntype = 'redis'\nuri = "
                      "'redis://h'\npassword = { env = 'NO_SUCH_VARIABLE' }\n[connections.c]\ntype = "
                      "'redis'\nuri = 'redis://h'\npassword = { credential = 'c' }\n"}},
                "syncd.toml:7:12: 'password': secret file '/nonexistent/secret': No such file or directory\n"
                "syncd.toml:11:12: 'password': environment variable 'NO_SUCH_VARIABLE' is not set\n"
                "syncd.toml:15:12: 'password': credential 'c': CREDENTIALS_DIRECTORY is not set; systemd "
                "sets it for LoadCredential=\n"
                "syncd: 3 mistakes in the configuration\n"},
        Mistake{
            "MissingKeys",
            {{"jobs.d/users.toml",
              "[jobs.users]\n[jobs.users.source]\ntype = 'postgres_table'\n[jobs.users.sink]\nkey = 'x'\n"},
             {"syncd.toml", std::string(kMain) + "[connections.x]\n[connections.y]\ntype = 'redis'\n"}},
            "jobs.d/users.toml:1:1: required key 'schedule' is missing in [jobs.users]\n"
            "jobs.d/users.toml:2:1: required key 'connection' is missing in [jobs.users.source]\n"
            "jobs.d/users.toml:2:1: required key 'table' is missing in [jobs.users.source]\n"
            "jobs.d/users.toml:2:1: required key 'cursor' is missing in [jobs.users.source]\n"
            "jobs.d/users.toml:4:1: required key 'type' is missing in [jobs.users.sink]\n"
            "syncd.toml:7:1: required key 'type' is missing in [connections.x]\n"
            "syncd.toml:8:1: required key 'uri' is missing in [connections.y]\n"
            "syncd: 7 mistakes in the configuration\n"},
        Mistake{
            "BadPattern",
            {{"jobs.d/users.toml", job(every(""), "", "delete_if = { field = 'email', matches = '(' }\n")}},
            "jobs.d/users.toml:13:1: 'delete_if' matches: missing closing parenthesis (at 2)\n"
            "syncd: 1 mistake in the configuration\n"},
        Mistake{"BadTemplate",
                {{"jobs.d/users.toml", "[jobs.users]\n" + every("") + kSource +
                                           "[jobs.users.sink]\ntype = 'redis_string'\nconnection = "
                                           "'cache'\nkey = 'user'\nvalue = '{email'\n"}},
                "jobs.d/users.toml:12:1: 'key' must name a column, such as \"user:{id}\": all rows would "
                "have the same key\n"
                "jobs.d/users.toml:13:1: 'value': '{' at 1 is never closed; write {{ for a brace\n"
                "syncd: 2 mistakes in the configuration\n"},
        Mistake{
            "SectionInTheWrongFile",
            {{"jobs.d/users.toml", "[log]\nlevel = 'info'\n" + job(every(""))}},
            "jobs.d/users.toml:1:2: [log] belongs in syncd.toml; a file of jobs.d holds [jobs.NAME] only\n"
            "syncd: 1 mistake in the configuration\n"},
        Mistake{
            "BadAddress",
            {{"syncd.toml",
              "[connections.app]\ntype = 'postgres'\nuri = 'mysql://h/x'\n[connections.cache]\ntype = "
              "'redis'\nuri = 'http://h'\n"}},
            "syncd.toml:3:1: 'uri' is no address that libpq knows: missing \"=\" after \"mysql://h/x\" in "
            "connection info string\n"
            "syncd.toml:6:1: 'uri' is no Redis address: it must begin with redis://, rediss:// or unix://\n"
            "syncd: 2 mistakes in the configuration\n"},
        Mistake{"NeedsACircle",
                {{"jobs.d/users.toml", job(every("needs = ['b']\n"))},
                 {"jobs.d/b.toml",
                  "[jobs.b]\nschedule = 'manual'\nneeds = ['users', 'nobody']\nsource = { type = "
                  "'postgres_table', connection = 'app', table = 't', cursor = ['id'] }\nsink = { type = "
                  "'redis_hash', connection = 'cache', key = 'b:{id}' }\n"}},
                "jobs.d/b.toml:3:1: 'needs': unknown job 'nobody'; known: b, users\n"
                "jobs.d/b.toml:3:1: 'needs' goes in a circle: b -> users -> b\n"
                "syncd: 2 mistakes in the configuration\n"}),
    [](const auto& tested) { return std::string(tested.param.name); });

}  // namespace
}  // namespace syncd::test
