// Secrets from every origin, and that none of them is ever shown.
#include "config/secret.hpp"

#include "config/duration.hpp"
#include "tests/unit/config/config_test.hpp"

namespace syncd::config {
namespace {

constexpr const char* kCanary = "c4n4ry-w0rd";

std::string error_of(SecretOrigin origin, const std::string& name) {
  try {
    fetch_secret(origin, name);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Secret, ComesFromACredentialWithOrWithoutThePrefixOfSystemd) {
  const Folder folder;
  folder.write("db", std::string(kCanary) + "\n", 0440);
  folder.write("syncd_cache", "two\n");
  const Variable directory("CREDENTIALS_DIRECTORY", folder.path().c_str());
  EXPECT_EQ(fetch_secret(SecretOrigin::kCredential, "db").reveal(), kCanary);
  EXPECT_EQ(fetch_secret(SecretOrigin::kCredential, "cache").reveal(), "two");
  EXPECT_EQ(
      error_of(SecretOrigin::kCredential, "none"),
      "credential 'none' is not in " + folder.path() + "; add LoadCredential=none:/path to the service");
  EXPECT_EQ(error_of(SecretOrigin::kCredential, "../db"), "credential '../db' is no name of a credential");
}

TEST(Secret, SaysThatThereAreNoCredentials) {
  const Variable directory("CREDENTIALS_DIRECTORY", nullptr);
  EXPECT_EQ(error_of(SecretOrigin::kCredential, "db"),
            "credential 'db': CREDENTIALS_DIRECTORY is not set; systemd sets it for LoadCredential=");
}

TEST(Secret, ComesFromTheEnvironment) {
  const Variable set("SYNCD_TEST_SECRET", kCanary);
  const Variable empty("SYNCD_TEST_EMPTY", "");
  const Variable none("SYNCD_TEST_NONE", nullptr);
  EXPECT_EQ(fetch_secret(SecretOrigin::kEnvironment, "SYNCD_TEST_SECRET").reveal(), kCanary);
  EXPECT_EQ(error_of(SecretOrigin::kEnvironment, "SYNCD_TEST_NONE"),
            "environment variable 'SYNCD_TEST_NONE' is not set");
  EXPECT_EQ(error_of(SecretOrigin::kEnvironment, "SYNCD_TEST_EMPTY"),
            "environment variable 'SYNCD_TEST_EMPTY' is empty");
}

TEST(Secret, ComesFromAFileThatOthersCannotRead) {
  const Folder folder;
  EXPECT_EQ(fetch_secret(SecretOrigin::kFile, folder.write("a", "one\r\n", 0600)).reveal(), "one");
  EXPECT_EQ(fetch_secret(SecretOrigin::kFile, folder.write("b", " two \n\n", 0400)).reveal(), " two \n");
  const std::string open = folder.write("open", kCanary, 0644);
  const std::string mode = ::geteuid() == 0 ? "640" : "600";
  EXPECT_EQ(error_of(SecretOrigin::kFile, open),
            "secret file '" + open + "': mode 0644 lets others at it: chmod " + mode);
}

TEST(Secret, NamesTheFileThatIsMissingOrEmpty) {
  const Folder folder;
  const std::string empty = folder.write("empty", "\n");
  EXPECT_EQ(error_of(SecretOrigin::kFile, empty), "secret file '" + empty + "' is empty");
  EXPECT_EQ(error_of(SecretOrigin::kFile, folder / "none"),
            "secret file '" + (folder / "none") + "': No such file or directory");
  EXPECT_EQ(error_of(SecretOrigin::kFile, folder.path()),
            "secret file '" + folder.path() + "': is a directory, not a file");
  EXPECT_EQ(error_of(SecretOrigin::kFile, "relative"), "'relative': write an absolute path");
}

TEST(Secret, PrintsStarsAndIsGoneWhenMoved) {
  Secret secret(kCanary);
  EXPECT_EQ(secret.redacted(), "***");
  Secret moved = std::move(secret);
  EXPECT_EQ(moved.reveal(), kCanary);
  EXPECT_TRUE(secret.empty());  // NOLINT: a moved secret is defined to be empty
  secret = std::move(moved);
  EXPECT_EQ(secret.reveal(), kCanary);
  EXPECT_EQ(secret, Secret(kCanary));
  EXPECT_NE(secret, Secret("c4n4ry-w0rx"));
  EXPECT_NE(secret, Secret());
}

TEST(Secret, WipesItsMemory) {
  // Short texts stand in the object itself, where they can be looked for after it has gone.
  alignas(Secret) unsigned char place[sizeof(Secret)];
  auto* secret = new (place) Secret("c4n4ry");
  secret->~Secret();
  const std::string left(reinterpret_cast<const char*>(place), sizeof place);
  EXPECT_EQ(left.find("c4n4"), std::string::npos);
}

TEST(RedactUri, HidesPasswordsInEveryForm) {
  const std::pair<const char*, const char*> cases[] = {
      {"postgresql://u:PW@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:PW@h/d?password=PW&sslmode=require",
       "postgresql://u:***@h/d?password=***&sslmode=require"},
      {"postgresql://h/d?user=u&sslpassword=PW", "postgresql://h/d?user=u&sslpassword=***"},
      {"redis://:PW@h:6379/0", "redis://:***@h:6379/0"},
      {"rediss://default:PW@[::1]:6379", "rediss://default:***@[::1]:6379"},
      {"postgresql://u:PW@h1:5432,h2:5433/d", "postgresql://u:***@h1:5432,h2:5433/d"},
      {"host=h password=PW dbname=d", "host=h password=*** dbname=d"},
      {"host=h password = 'PW\\' PW' dbname=d", "host=h password = *** dbname=d"},
      {"host=h PASSWORD=PW", "host=h PASSWORD=***"},
      {"connecting to \"redis://:PW@h\": refused", "connecting to \"redis://:***@h\": refused"},
      {"first redis://:PW@a then redis://b:PW@c", "first redis://:***@a then redis://b:***@c"},
      // Malformed: a password that should have been percent-encoded.
      {"postgresql://u:P/W@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:P@W@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:P?W#PW@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:PW PW@h/d", "postgresql://u:***@h/d"},
      {"postgresql://u:PW", "postgresql://u:***"},
      {"redis://:PW", "redis://:***"},
  };
  for (const auto& [given, expected] : cases) EXPECT_EQ(redact_uri(given), expected);
}

TEST(RedactUri, LeavesTheRestAlone) {
  for (const char* text :
       {"", "plain", "postgresql://sync@db.internal/app?sslmode=verify-full", "redis://127.0.0.1:6379/0",
        "redis://[::1]:6379/0", "postgresql://h1:5432,h2:5433/d", "host=h dbname=d", "a = b",
        "password=", "no password given", "unix:///run/redis.sock", "redis://localhost"}) {
    EXPECT_EQ(redact_uri(text), text);
  }
}

TEST(Uri, HidesMoreThanATextThatQuotesIt) {
  EXPECT_EQ(Uri("postgresql://u:12 34@h/d").redacted(), "postgresql://u:***@h/d");
  EXPECT_EQ(Uri("postgresql://h/d?password=a b&x=1").redacted(), "postgresql://h/d?password=***&x=1");
  EXPECT_EQ(Uri("redis://:PW@h").reveal(), "redis://:PW@h");
}

TEST(Secret, IsReadFromATableInEveryForm) {
  const Folder folder;
  const std::string file = folder.write("pw", "three\n");
  const Variable variable("SYNCD_TEST_SECRET", "two");
  const Findings findings;
  const Table table = table_of(
      "a = 'one'\nb = { env = 'SYNCD_TEST_SECRET' }\nc = { file = '" + file + "' }\n", findings, 0640);
  EXPECT_EQ(table.secret("a")->reveal(), "one");
  EXPECT_EQ(table.secret("b")->reveal(), "two");
  EXPECT_EQ(table.secret("c")->reveal(), "three");
  EXPECT_FALSE(table.secret("d").has_value());
  EXPECT_EQ(findings.text(), "");
}

TEST(Secret, IsRefusedInlineInAWorldReadableFile) {
  const Findings findings;
  const Table table = table_of("password = 'c4n4ry'\n", findings, 0644);
  EXPECT_FALSE(table.secret("password").has_value());
  EXPECT_EQ(
      findings.text(),
      "t.toml:1:1: 'password' stands in a file that every user can read (mode 0644): write { credential "
      "= \"NAME\" }, { env = \"NAME\" } or { file = \"/path\" }, or chmod 640 the file");
}

TEST(Secret, NamesThePlaceOfWhatItCannotFetch) {
  const Variable none("SYNCD_TEST_NONE", nullptr);
  const Findings findings;
  const Table table = table_of(
      "a = { env = 'SYNCD_TEST_NONE' }\n"
      "b = { env = 'A', file = '/b' }\n"
      "c = {}\n"
      "d = { enviroment = 'c4n4ry' }\n"
      "e = 4711\n"
      "f = { env = 4711 }\n",
      findings);
  for (const char* key : {"a", "b", "c", "d", "e", "f"}) EXPECT_FALSE(table.secret(key).has_value()) << key;
  EXPECT_EQ(
      findings.text(),
      "t.toml:1:5: 'a': environment variable 'SYNCD_TEST_NONE' is not set\n"
      "t.toml:2:5: 'b' must be one of { credential = \"NAME\" }, { env = \"NAME\" }, { file = \"/path\" }\n"
      "t.toml:3:5: 'c' must be one of { credential = \"NAME\" }, { env = \"NAME\" }, { file = \"/path\" }\n"
      "t.toml:4:7: unknown key 'enviroment'; known: credential, env, file\n"
      "t.toml:5:1: 'e' must be a string or a table such as { credential = \"NAME\" }, found an integer\n"
      "t.toml:6:7: 'env' must be a string, found an integer");
}

TEST(Uri, IsRefusedInAWorldReadableFileOnlyWithAPassword) {
  const Findings findings;
  const Table table = table_of("a = 'redis://h:6379/0'\nb = 'redis://:c4n4ry@h'\n", findings, 0644);
  EXPECT_EQ(table.uri("a")->reveal(), "redis://h:6379/0");
  EXPECT_FALSE(table.uri("b").has_value());
  EXPECT_TRUE(findings.text().starts_with("t.toml:2:1: 'b' stands in a file that every user can read"));
  EXPECT_EQ(findings.text().find("c4n4ry"), std::string::npos);
}

}  // namespace
}  // namespace syncd::config
