// Durations, ranges and sizes: every unit, every mistake, and the way back.
#include "config/duration.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>

namespace syncd::config {
namespace {

using namespace std::chrono_literals;

template <class Parse>
std::string error_of(Parse parse, std::string_view text) {
  try {
    parse(text);
  } catch (const ValueError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(Duration, ReadsEveryUnit) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("30s"), 30s);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("7d"), 168h);
  EXPECT_EQ(parse_duration("1w"), 168h);
  EXPECT_EQ(parse_duration("5us"), 5us);
  EXPECT_EQ(parse_duration("7ns"), 7ns);
  EXPECT_EQ(parse_duration("1.5h"), 90min);
  EXPECT_EQ(parse_duration("0.25s"), 250ms);
  EXPECT_EQ(parse_duration("0"), 0s);
  EXPECT_EQ(parse_duration("0s"), 0s);
}

TEST(Duration, SaysWhatIsWrongAndWhatWouldBeRight) {
  EXPECT_EQ(error_of(parse_duration, "30"),
            "found '30'; write a duration with a unit (ns us ms s m h d w), such as \"30s\" or \"1h30m\"");
  EXPECT_EQ(error_of(parse_duration, ""),
            "found an empty text; write a duration with a unit (ns us ms s m h d w), such as \"30s\" or "
            "\"1h30m\"");
  for (const char* text : {"-1s", "s", "1 s", " 1s", "1s ", "1S", "1y", "1h1h", "1m1h", "1.s", ".5s", "1e3s",
                           "1.5ns", "0x1s", "1s..2s", "99999999999999999999s", "300w300w", "20000w"}) {
    EXPECT_TRUE(error_of(parse_duration, text).starts_with("found '")) << text;
  }
}

TEST(Duration, NeverEchoesALongText) {
  EXPECT_TRUE(error_of(parse_duration, std::string(30, 'q')).starts_with("found a long text; write"));
  EXPECT_EQ(error_of(parse_bytes, std::string(30, 'q')).find('q'), std::string::npos);
}

TEST(Duration, ComesBackFromItsText) {
  EXPECT_EQ(format(90s), "1m30s");
  EXPECT_EQ(format(168h), "1w");
  EXPECT_EQ(format(240h), "10d");
  EXPECT_EQ(format(0s), "0s");
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const std::chrono::nanoseconds value(static_cast<std::int64_t>(random() >> (1 + random() % 62)));
    ASSERT_EQ(parse_duration(format(value)), value) << format(value);
  }
  const std::chrono::nanoseconds most(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parse_duration(format(most)), most);
}

TEST(DurationRange, ReadsBothEnds) {
  EXPECT_EQ(parse_duration_range("1s..5m"), DurationRange(1s, 5min));
  EXPECT_EQ(parse_duration_range("2s"), DurationRange(2s, 2s));
  EXPECT_EQ(parse_duration_range(format(DurationRange(1s, 90min))), DurationRange(1s, 90min));
}

TEST(DurationRange, SaysWhatIsWrong) {
  EXPECT_EQ(error_of(parse_duration_range, "1s-5m"),
            "found '1s-5m'; write two durations with units, such as \"1s..5m\"");
  EXPECT_EQ(error_of(parse_duration_range, "5m..1s"),
            "found '5m..1s'; write the shorter duration first: \"1s..5m\"");
  for (const char* text : {"..", "1s..", "..1s", "1s...2s", "1s..2s..3s", "1..2"}) {
    EXPECT_NE(error_of(parse_duration_range, text), "accepted") << text;
  }
}

TEST(Bytes, ReadsPowersOfTwoAndOfTen) {
  EXPECT_EQ(parse_bytes("64KiB"), Bytes(65536));
  EXPECT_EQ(parse_bytes("1MB"), Bytes(1'000'000));
  EXPECT_EQ(parse_bytes("1MiB"), Bytes::mib(1));
  EXPECT_EQ(parse_bytes("1.5KiB"), Bytes(1536));
  EXPECT_EQ(parse_bytes("10kB"), Bytes(10'000));
  EXPECT_EQ(parse_bytes("7B"), Bytes(7));
  EXPECT_EQ(parse_bytes("0"), Bytes(0));
}

TEST(Bytes, SaysWhatIsWrong) {
  EXPECT_EQ(error_of(parse_bytes, "1024"),
            "found '1024'; write a size with a unit (B KB MB GB TB KiB MiB GiB TiB), such as \"64KiB\"");
  for (const char* text : {"", "KiB", "-1B", "1k", "1 KiB", "1KiB1B", "0.5B", "99999999999TiB"}) {
    EXPECT_NE(error_of(parse_bytes, text), "accepted") << text;
  }
}

TEST(Bytes, ComesBackFromItsText) {
  EXPECT_EQ(format(Bytes(65536)), "64KiB");
  EXPECT_EQ(format(Bytes(1'000'000)), "1MB");
  EXPECT_EQ(format(Bytes(1025)), "1025B");
  EXPECT_EQ(format(Bytes(0)), "0B");
  std::mt19937_64 random(7);
  for (int i = 0; i < 10'000; ++i) {
    const Bytes value(random() >> (random() % 64));
    ASSERT_EQ(parse_bytes(format(value)), value) << format(value);
  }
}

}  // namespace
}  // namespace syncd::config
