// The files as the operator has them: syncd.toml and jobs.d.
#include "config/load.hpp"

#include <gmock/gmock.h>

#include "tests/unit/config/config_test.hpp"

namespace syncd::config {
namespace {

using namespace std::chrono_literals;

constexpr const char* kJob =
    "schedule = 'every 30s'\n"
    "source = { type = 'postgres_table' }\n"
    "sink = { type = 'redis_hash' }\n";

// The findings for these files, with the folder cut out of their names.
std::string load_errors(const Folder& folder) {
  const Findings findings;
  load(folder / "syncd.toml", findings);
  std::string text = findings.text();
  const std::string prefix = folder.path() + "/";
  for (std::size_t at = 0; (at = text.find(prefix, at)) != std::string::npos;) text.erase(at, prefix.size());
  return text;
}

std::string load_errors(const std::string& main) {
  const Folder folder;
  folder.write("syncd.toml", main);
  return load_errors(folder);
}

std::string text_of(const std::string& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(Load, GivesTheDefaultsForAnEmptyFile) {
  const Folder folder;
  folder.write("syncd.toml", "");
  const Config config = load_or_throw(folder / "syncd.toml");
  EXPECT_EQ(config.daemon.state_dir, "/var/lib/syncd");
  EXPECT_EQ(config.daemon.time_zone, "");
  EXPECT_EQ(config.daemon.drain_timeout, 30s);
  EXPECT_EQ(config.log.level, LogLevel::kInfo);
  EXPECT_EQ(config.log.format, LogFormat::kAuto);
  EXPECT_EQ(config.control.socket, "/run/syncd/control.sock");
  EXPECT_EQ(config.control.group, "syncd");
  EXPECT_TRUE(config.connections.empty());
  EXPECT_TRUE(config.jobs.empty());
}

TEST(Load, ReadsTheShippedConfiguration) {
  const std::string folder = SYNCD_SOURCE_DIR "/config/";
  const Config config = load_or_throw(folder + "syncd.toml");
  EXPECT_EQ(config.files.front(), folder + "syncd.toml");
  EXPECT_THAT(config.files, ::testing::Contains(folder + "jobs.d/users.toml"));
  EXPECT_EQ(config.connections.at("app").type, "postgres");
  EXPECT_EQ(config.connections.at("cache").type, "redis");
  const Job& job = config.jobs.at("users");
  EXPECT_EQ(job.name, "users");
  EXPECT_EQ(job.description, "mirror active users into Redis");
  EXPECT_EQ(job.schedule, "every 30s");
  EXPECT_EQ(job.timeout, 10min);
  EXPECT_EQ(job.retry.attempts, 5U);
  EXPECT_EQ(job.retry.backoff, DurationRange(1s, 5min));
  EXPECT_EQ(job.on_bad_record, OnBadRecord::kHalt);
  EXPECT_EQ(job.source.string("type"), "postgres_table");
  EXPECT_EQ(job.source.path(), "jobs.users.source");
  ASSERT_EQ(job.transforms.size(), 1U);
  EXPECT_EQ(job.transforms[0].string("type"), "rename");
  EXPECT_EQ(job.sink.string("key"), "user:{id}");
  EXPECT_EQ(job.place.text(), folder + "jobs.d/users.toml:2:1");
}

TEST(Load, TheCommentedDefaultsOfTheShippedFileAreTheRealOnes) {
  const std::string shipped = text_of(SYNCD_SOURCE_DIR "/config/syncd.toml");
  for (const SectionDoc& section : section_docs()) {
    if (section.name == "jobs.NAME" || section.name == "groups.NAME") continue;
    EXPECT_NE(shipped.find("[" + section.name + "]"), std::string::npos) << section.name;
    for (const FieldDoc& doc : section.fields) {
      const std::size_t at = shipped.find("# " + doc.key + " ");
      ASSERT_NE(at, std::string::npos) << doc.key;
      EXPECT_NE(shipped.substr(at, shipped.find('\n', at) - at).find("= " + doc.default_text),
                std::string::npos)
          << doc.key;
    }
  }
}

TEST(Load, ReadsEveryKeyOfTheModel) {
  const Folder folder;
  folder.write("syncd.toml",
               "[daemon]\nstate_dir = '/s'\ntime_zone = 'UTC'\ndrain_timeout = '1m'\n[log]\nlevel = "
               "'debug'\nformat = 'json'\n"
               "[control]\nsocket = '/c.sock'\ngroup = ''\n[jobs.a]\non_bad_record = 'dead_letter'\n"
               "time_zone = 'Asia/Tokyo'\n"
               "retry = { attempts = 0, backoff = '1s', total = '1h' }\n" +
                   std::string(kJob));
  const Config config = load_or_throw(folder / "syncd.toml");
  EXPECT_EQ(config.daemon.state_dir, "/s");
  EXPECT_EQ(config.daemon.time_zone, "UTC");
  EXPECT_EQ(config.daemon.table.place("time_zone").line, 3U);
  EXPECT_EQ(config.daemon.drain_timeout, 1min);
  EXPECT_EQ(config.log.level, LogLevel::kDebug);
  EXPECT_EQ(config.log.format, LogFormat::kJson);
  EXPECT_EQ(config.control.socket, "/c.sock");
  EXPECT_EQ(config.control.group, "");
  const Job& job = config.jobs.at("a");
  EXPECT_EQ(job.time_zone, "Asia/Tokyo");
  EXPECT_EQ(job.on_bad_record, OnBadRecord::kDeadLetter);
  EXPECT_EQ(job.retry.attempts, 0U);
  EXPECT_EQ(job.retry.backoff, DurationRange(1s, 1s));
  EXPECT_EQ(job.retry.total, 1h);
}

TEST(Load, ReadsJobFilesInOrderAndSkipsBackups) {
  const Folder folder;
  folder.write("syncd.toml", "");
  folder.write("jobs.d/b.toml", "[jobs.b]\n" + std::string(kJob));
  folder.write("jobs.d/a.toml", "[jobs.a]\n" + std::string(kJob) + "[jobs.c]\n" + kJob);
  folder.write("jobs.d/empty.toml", "# nothing yet\n");
  for (const char* name : {".hidden.toml", ".#b.toml", "b.toml~", "b.toml.bak", "#b.toml#", "README"}) {
    folder.write(std::string("jobs.d/") + name, "not TOML at all\n");
  }
  const Config config = load_or_throw(folder / "syncd.toml");
  EXPECT_EQ(config.jobs.size(), 3U);
  EXPECT_EQ(config.files, (std::vector<std::string>{folder / "syncd.toml", folder / "jobs.d/a.toml",
                                                    folder / "jobs.d/b.toml", folder / "jobs.d/empty.toml"}));
}

TEST(Load, NamesAMissingFileAndReadsTheOthers) {
  const Folder folder;
  folder.write("jobs.d/a.toml", "[jobs.a]\nretyr = 1\n" + std::string(kJob));
  EXPECT_EQ(load_errors(folder),
            "jobs.d/a.toml:2:1: unknown key 'retyr'; did you mean 'retry'?\n"
            "syncd.toml: No such file or directory");
}

TEST(Load, NamesAJobFileThatIsADirectory) {
  const Folder folder;
  folder.write("syncd.toml", "");
  folder.write("jobs.d/a.toml/x", "");
  EXPECT_EQ(load_errors(folder), "jobs.d/a.toml: is a directory, not a file");
}

TEST(Load, NamesAFileInThePlaceOfTheFolder) {
  const Folder folder;
  folder.write("syncd.toml", "");
  folder.write("jobs.d", "");
  EXPECT_EQ(load_errors(folder), "jobs.d: Not a directory");
}

TEST(Load, RefusesUnknownSections) {
  const std::string errors =
      load_errors("[deamon]\n[ftp]\nlisten = '127.0.0.1:1'\n[daemon]\nlanguage = 'fr'\n");
  EXPECT_THAT(errors,
              ::testing::StartsWith("syncd.toml:1:2: unknown key 'deamon'; did you mean 'daemon'?\n"
                                    "syncd.toml:2:2: unknown key 'ftp'; known: connections, control, "));
  EXPECT_THAT(errors, ::testing::HasSubstr("\nsyncd.toml:5:1: unknown key 'language'; known: "));
}

TEST(Load, SaysWhereASectionBelongs) {
  const Folder folder;
  folder.write("syncd.toml", "");
  folder.write("jobs.d/a.toml", "[daemon]\nstate_dir = 7\n[connections.x]\n[job.x]\n");
  EXPECT_EQ(
      load_errors(folder),
      "jobs.d/a.toml:1:2: [daemon] belongs in syncd.toml; a file of jobs.d holds [jobs.NAME] only\n"
      "jobs.d/a.toml:3:2: [connections] belongs in syncd.toml; a file of jobs.d holds [jobs.NAME] only\n"
      "jobs.d/a.toml:4:2: unknown key 'job'; did you mean 'jobs'?");
}

TEST(Load, NamesBothPlacesOfAJobThatIsDefinedTwice) {
  const Folder folder;
  folder.write("syncd.toml", "[jobs.users]\n" + std::string(kJob));
  folder.write("jobs.d/a.toml", "# second\n[jobs.users]\n" + std::string(kJob));
  EXPECT_EQ(load_errors(folder),
            "jobs.d/a.toml:2:1: job 'users' is defined twice; the other one is at syncd.toml:1:1");
}

TEST(Load, RefusesNamesThatNobodyCanType) {
  const std::string advice = ": use 1 to 63 of a-z, 0-9, '_' and '-', beginning with a letter or digit";
  EXPECT_EQ(load_errors("[connections.App]\ntype = 'redis'\n[jobs.-a]\n" + std::string(kJob)),
            "syncd.toml:1:14: 'App' is no name for a connection" + advice +
                "\n"
                "syncd.toml:3:7: '-a' is no name for a job" +
                advice);
  EXPECT_TRUE(valid_name("a"));
  EXPECT_TRUE(valid_name("0_-9"));
  EXPECT_TRUE(valid_name(std::string(63, 'a')));
  for (const char* name : {"", "_a", "-a", "A", "a.b", "a/b", "a b", "\xC3\xA9"})
    EXPECT_FALSE(valid_name(name));
  EXPECT_FALSE(valid_name(std::string(64, 'a')));
}

TEST(Load, MissesWhatAJobNeeds) {
  EXPECT_EQ(load_errors("[jobs.a]\n[jobs.b]\nschedule = ''\nsource = {}\nsink = { type = '' }\n"
                        "[[jobs.b.transforms]]\n[connections.x]\n"),
            "syncd.toml:1:1: required key 'schedule' is missing in [jobs.a]\n"
            "syncd.toml:1:1: required key 'source' is missing in [jobs.a]\n"
            "syncd.toml:1:1: required key 'sink' is missing in [jobs.a]\n"
            "syncd.toml:3:1: 'schedule' must not be empty\n"
            "syncd.toml:4:10: required key 'type' is missing in [jobs.b.source]\n"
            "syncd.toml:5:10: 'type' must not be empty\n"
            "syncd.toml:6:1: required key 'type' is missing in [jobs.b.transforms#1]\n"
            "syncd.toml:7:1: required key 'type' is missing in [connections.x]");
}

TEST(Load, RefusesValuesThatCannotWork) {
  EXPECT_EQ(load_errors("[daemon]\nstate_dir = 'state'\n[control]\nsocket = '/" + std::string(120, 'x') +
                        "'\n[log]\nlevel = 'warning'\n[jobs]\na = 1\n"),
            "syncd.toml:2:1: 'state_dir' must be an absolute path, found 'state'\n"
            "syncd.toml:4:1: 'socket' must not be longer than 107 bytes\n"
            "syncd.toml:6:1: 'level' must be trace | debug | info | warn | error, found 'warning'\n"
            "syncd.toml:8:1: 'a' must be a table, found an integer");
}

TEST(Load, ReportsAllErrorsOfAllFilesInOrder) {
  const Folder folder;
  folder.write("syncd.toml", "[daemon]\ndrain_timeout = 30\n[log]\nlevle = 'info'\n");
  folder.write("jobs.d/b.toml", "[jobs.b]\nschedul = 'manual'\n" + std::string(kJob));
  folder.write("jobs.d/a.toml", "[jobs.a\n");
  folder.write("jobs.d/c.toml", "[jobs.c]\nretry = { attempts = -1 }\n" + std::string(kJob));
  EXPECT_EQ(load_errors(folder),
            "jobs.d/a.toml:1:8: Error while parsing table header: expected ']', saw '\\n'\n"
            "jobs.d/b.toml:2:1: unknown key 'schedul'; did you mean 'schedule'?\n"
            "jobs.d/c.toml:2:11: 'attempts' must be 0 to 1000000, found -1\n"
            "syncd.toml:2:1: 'drain_timeout' must be a duration, found an integer; write a duration with a "
            "unit, such as \"30s\"\n"
            "syncd.toml:4:1: unknown key 'levle'; did you mean 'level'?");
}

TEST(Load, NeverShowsASecretInAFinding) {
  const Folder folder;
  folder.write("syncd.toml",
               "[connections.a]\ntype = 'postgres'\npassword = 'c4n4ry'\nuri = 'postgresql://u:c4n4ry@h'\n"
               "[daemon]\nstate_dir = 'redis://:c4n4ry@h'\ndrain_timeout = 'redis://:c4n4ry@h/0?x=y'\n"
               "[log]\nlevel = 'postgresql://h/d?password=c4n4ry'\n",
               0644);
  folder.write("jobs.d/a.toml", "[jobs.a]\nschedule = 'manual'\npassword = c4n4ry\n");
  const Findings findings;
  const Config config = load(folder / "syncd.toml", findings);
  const Table& table = config.connections.at("a").table;
  EXPECT_FALSE(table.secret("password").has_value());
  EXPECT_FALSE(table.uri("uri").has_value());
  EXPECT_EQ(findings.size(), 6U);
  EXPECT_EQ(findings.text().find("c4n4ry"), std::string::npos) << findings.text();
}

TEST(Load, ThrowsWithAllFindingsForThoseWhoCannotGoOn) {
  const Folder folder;
  folder.write("syncd.toml", "a = 1\nb = 2\n");
  try {
    load_or_throw(folder / "syncd.toml");
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_EQ(error.findings().size(), 2U);
  }
}

std::string mistakes_with(const std::string& http) {
  const Folder folder;
  folder.write("syncd.toml", "[http]\n" + http);
  try {
    load_or_throw(folder / "syncd.toml");
    return "";
  } catch (const ConfigError& error) {
    return error.what();
  }
}

TEST(Load, PagesForOthersNeedAToken) {
  EXPECT_EQ(mistakes_with("listen = '127.0.0.1:9464'\n"), "");
  EXPECT_EQ(mistakes_with("listen = '[::1]:9464'\n"), "");
  EXPECT_EQ(mistakes_with("listen = '0.0.0.0:9464'\ntoken = 'sesame'\n"), "");
  const std::string open = mistakes_with("listen = '0.0.0.0:9464'\n");
  EXPECT_NE(open.find("syncd.toml:2:"), std::string::npos) << open;
  EXPECT_NE(open.find("needs a `token`"), std::string::npos) << open;
  const std::string name = mistakes_with("listen = 'localhost:9464'\n");
  EXPECT_NE(name.find("\"127.0.0.1:9464\""), std::string::npos) << name;
}

TEST(Load, DocumentsEverySection) {
  const auto sections = section_docs();
  ASSERT_EQ(sections.size(), 6U);
  EXPECT_EQ(sections[5].name, "jobs.NAME");
  for (const SectionDoc& section : sections) {
    for (const FieldDoc& doc : section.fields) EXPECT_FALSE(doc.help.empty()) << doc.key;
  }
}

}  // namespace
}  // namespace syncd::config
