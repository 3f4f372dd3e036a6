#include <gtest/gtest.h>

#include "daemon/redis/options.hpp"
#include "tests/support/value_error.hpp"

namespace syncd::redis {
namespace {

Address parse(const std::string& text) { return Address::parse(config::Uri(text)); }

std::string mistake(const std::string& text) {
  return syncd::test::value_error([&] { parse(text); });
}

TEST(Address, HasHostPortAndDatabase) {
  const Address address = parse("redis://db.internal:6380/3");
  EXPECT_EQ(address.host, "db.internal");
  EXPECT_EQ(address.port, 6380);
  EXPECT_EQ(address.database, 3U);
  EXPECT_FALSE(address.tls);
  EXPECT_EQ(address.text(), "redis://db.internal:6380/3");
}

TEST(Address, HasDefaults) {
  for (const std::string text : {"redis://h", "redis://h/", "redis://h:6379/0"}) {
    const Address address = parse(text);
    EXPECT_EQ(address.host, "h") << text;
    EXPECT_EQ(address.port, 6379) << text;
    EXPECT_EQ(address.database, 0U) << text;
    EXPECT_TRUE(address.user.empty() && address.password.empty()) << text;
  }
}

TEST(Address, KnowsTlsAndIPv6) {
  EXPECT_TRUE(parse("rediss://h:1").tls);
  EXPECT_EQ(parse("rediss://h:1").text(), "rediss://h:1/0");
  EXPECT_EQ(parse("redis://[::1]:7000/2").host, "::1");
  EXPECT_EQ(parse("redis://[::1]:7000/2").port, 7000);
  EXPECT_EQ(parse("redis://[fe80::1]").host, "fe80::1");
  EXPECT_EQ(parse("redis://[::1]:7000/2").text(), "redis://[::1]:7000/2");
}

TEST(Address, KnowsUnixSockets) {
  const Address address = parse("unix:///run/redis/redis.sock?db=4");
  EXPECT_EQ(address.host, "");
  EXPECT_EQ(address.path, "/run/redis/redis.sock");
  EXPECT_EQ(address.database, 4U);
  EXPECT_EQ(address.text(), "unix:///run/redis/redis.sock?db=4");
  EXPECT_EQ(parse("unix:///a%20b").path, "/a b");
}

TEST(Address, TakesUserAndPasswordInAnyCharacters) {
  EXPECT_EQ(parse("redis://:secret@h").password.reveal(), "secret");
  EXPECT_EQ(parse("redis://:secret@h").user, "");
  EXPECT_EQ(parse("redis://ann:p%40ss%3A%2F@h:1/2").user, "ann");
  EXPECT_EQ(parse("redis://ann:p%40ss%3A%2F@h:1/2").password.reveal(), "p@ss:/");
  EXPECT_EQ(parse("redis://ann:a@b@h").password.reveal(), "a@b");
  EXPECT_EQ(parse("redis://ann:a/b@h:1").password.reveal(), "a/b");
  EXPECT_EQ(parse("redis://ann:100%@h").password.reveal(), "100%");
}

TEST(Address, SaysWhatIsWrong) {
  const std::string kNoPort = "the port must be a number from 1 to 65535";
  const std::string kNoDatabase = "the database must be a number: redis://host:6379/0";
  EXPECT_EQ(mistake("http://h"), "it must begin with redis://, rediss:// or unix://");
  EXPECT_EQ(mistake("redis://"), "the host is missing");
  EXPECT_EQ(mistake("redis://:6379"), "the host is missing");
  EXPECT_EQ(mistake("redis://h:x"), kNoPort);
  EXPECT_EQ(mistake("redis://h:70000"), kNoPort);
  EXPECT_EQ(mistake("redis://h:0"), kNoPort);
  EXPECT_EQ(mistake("redis://h:"), kNoPort);
  EXPECT_EQ(mistake("redis://h/x"), kNoDatabase);
  EXPECT_EQ(mistake("redis://h/-1"), kNoDatabase);
  EXPECT_EQ(mistake("redis://[::1"), "'[' without ']'");
  EXPECT_EQ(mistake("redis://[::1]x"), "only :PORT may follow ']'");
  EXPECT_EQ(mistake("unix://relative/path"), "unix:// needs an absolute path: unix:///run/redis/redis.sock");
  EXPECT_EQ(mistake("unix:///s?database=1"), "after '?' only db=NUMBER is known");
  EXPECT_EQ(mistake("unix:///s?db=one"), kNoDatabase);
  EXPECT_EQ(mistake("redis://h/1?db=2"), kNoDatabase);
}

TEST(Address, NeverTellsThePassword) {
  for (const std::string text :
       {"redis://ann:hunter2@", "redis://ann:hunter2@h:x", "redis://ann:hunter2@h/x", "http://ann:hunter2@h",
        "redis://ann:hunter2@[::1", "redis://ann:hunter2", "redis://ann:hunter2/0", "redis://:hunter2"}) {
    EXPECT_EQ(mistake(text).find("hunter2"), std::string::npos) << mistake(text);
    EXPECT_NE(mistake(text), "") << text;
  }
  EXPECT_EQ(parse("redis://ann:hunter2@h").text().find("hunter2"), std::string::npos);
}

}  // namespace
}  // namespace syncd::redis
