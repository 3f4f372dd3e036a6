// One declaration: parse, default, range, suggestion and documentation.
#include "config/fields.hpp"

#include "config/model.hpp"
#include "tests/unit/config/config_test.hpp"

namespace syncd::config {
namespace {

using namespace std::chrono_literals;

enum class Colour { kRed, kGreen };
constexpr auto enum_names(Colour) {
  return std::array{EnumName("red", Colour::kRed), EnumName("green", Colour::kGreen)};
}

struct Inner {
  int depth = 3;
  std::string name = "in";
};

struct Common {
  std::string connection = "app";
};

struct Options : Common {
  bool flag = true;
  int number = -1;
  std::int64_t wide = 0;
  std::uint32_t count = 5;
  std::size_t rows = 5000;
  std::uint16_t port = 6379;
  double ratio = 0.5;
  std::string table = "none";
  std::chrono::nanoseconds ttl = 30s;
  DurationRange backoff{1s, 5min};
  Bytes batch = Bytes::mib(1);
  Secret password;
  Uri uri;
  std::vector<std::string> columns{"id"};
  OrderedStrings names;
  Colour colour = Colour::kGreen;
  std::optional<int> maybe_number;
  std::optional<std::string> maybe_text;
  std::optional<std::chrono::nanoseconds> maybe_ttl;
  std::optional<Colour> maybe_colour;
  std::optional<Scalar> equals;
  std::optional<Scalars> in;
  Inner inner;
  std::optional<Inner> maybe_inner;
  std::vector<Inner> inners;
  Table raw;
  std::vector<Table> raws;
};

std::optional<std::string> no_space(const std::string& text) {
  if (text.find(' ') == std::string::npos) return std::nullopt;
  return "must hold no space";
}

const Fields<Options>& fields() {
  static const auto inner =
      Fields<Inner>().add("depth", &Inner::depth, "how deep").range(1, 9).add("name", &Inner::name, "a name");
  static const auto all = Fields<Options>()
                              .add("connection", &Options::connection, "which connection")
                              .add("flag", &Options::flag, "a flag")
                              .add("number", &Options::number, "a number")
                              .add("wide", &Options::wide, "a wide number")
                              .add("count", &Options::count, "a count")
                              .add("rows", &Options::rows, "rows per page")
                              .range(1, 100'000)
                              .add("port", &Options::port, "a port")
                              .add("ratio", &Options::ratio, "a ratio")
                              .range(0, 1)
                              .add("table", &Options::table, "a table")
                              .check(no_space)
                              .example("public.users")
                              .add("ttl", &Options::ttl, "a time")
                              .at_least(1s)
                              .add("backoff", &Options::backoff, "pauses")
                              .range(1ms, 1h)
                              .add("batch", &Options::batch, "a size")
                              .range(Bytes::kib(1), Bytes::mib(64))
                              .add("password", &Options::password, "a password")
                              .add("uri", &Options::uri, "an address")
                              .add("columns", &Options::columns, "columns")
                              .add("names", &Options::names, "new names")
                              .add("colour", &Options::colour, "a colour")
                              .add("maybe_number", &Options::maybe_number, "a number")
                              .range(1, 3)
                              .add("maybe_text", &Options::maybe_text, "a text")
                              .check(no_space)
                              .one_of({"plain", "fancy", "a b"})
                              .add("maybe_ttl", &Options::maybe_ttl, "a time")
                              .add("maybe_colour", &Options::maybe_colour, "a colour")
                              .add("equals", &Options::equals, "a value")
                              .add("in", &Options::in, "values")
                              .add("inner", &Options::inner, inner, "a table")
                              .add("maybe_inner", &Options::maybe_inner, inner, "a table")
                              .add("inners", &Options::inners, inner, "tables")
                              .add("raw", &Options::raw, "for somebody else")
                              .add("raws", &Options::raws, "for somebody else");
  return all;
}

// What the operator is told about a wrong text.
std::string errors_of(std::string_view text) {
  const Findings findings;
  Options options;
  EXPECT_FALSE(fields().read(table_of(text, findings), options));
  return findings.text();
}

TEST(Fields, KeepTheDefaultsOfWhatIsAbsent) {
  const Findings findings;
  Options options;
  EXPECT_TRUE(fields().read(table_of("", findings), options));
  EXPECT_EQ(options.rows, 5000U);
  EXPECT_EQ(options.colour, Colour::kGreen);
  EXPECT_FALSE(options.maybe_number.has_value());
  EXPECT_FALSE(options.maybe_inner.has_value());
}

TEST(Fields, ReadEveryType) {
  const Findings findings;
  Options options;
  EXPECT_TRUE(fields().read(table_of(R"(
connection = "c"
flag = false
number = -5
wide = 9007199254740993
count = 4294967295
rows = 10
port = 65535
ratio = 1
table = "t"
ttl = "1h30m"
backoff = "2s..3s"
batch = "64KiB"
password = "pw"
uri = "redis://h"
columns = "a"
names = { z = "1", a = "2" }
colour = "red"
maybe_number = 2
maybe_text = "fancy"
maybe_ttl = "1d"
maybe_colour = "red"
equals = 7
in = [1, "x", true]
inner = { depth = 4 }
maybe_inner = { name = "m" }
[[inners]]
depth = 1
[[inners]]
depth = 2
[raw]
anything = 1
[[raws]]
more = 2
)",
                                     findings),
                            options));
  EXPECT_EQ(findings.text(), "");
  EXPECT_EQ(options.connection, "c");
  EXPECT_FALSE(options.flag);
  EXPECT_EQ(options.number, -5);
  EXPECT_EQ(options.wide, 9007199254740993);
  EXPECT_EQ(options.count, 4294967295U);
  EXPECT_EQ(options.rows, 10U);
  EXPECT_EQ(options.port, 65535);
  EXPECT_EQ(options.ratio, 1.0);
  EXPECT_EQ(options.ttl, 90min);
  EXPECT_EQ(options.backoff, DurationRange(2s, 3s));
  EXPECT_EQ(options.batch, Bytes::kib(64));
  EXPECT_EQ(options.password.reveal(), "pw");
  EXPECT_EQ(options.uri.reveal(), "redis://h");
  EXPECT_EQ(options.columns, std::vector<std::string>{"a"});
  EXPECT_EQ(options.names, (OrderedStrings{{"z", "1"}, {"a", "2"}}));
  EXPECT_EQ(options.colour, Colour::kRed);
  EXPECT_EQ(options.maybe_number, 2);
  EXPECT_EQ(options.maybe_text, "fancy");
  EXPECT_EQ(options.maybe_ttl, 24h);
  EXPECT_EQ(options.maybe_colour, Colour::kRed);
  EXPECT_EQ(options.equals->text, "7");
  EXPECT_EQ(options.in->texts, (std::vector<std::string>{"1", "x", "true"}));
  EXPECT_EQ(options.inner.depth, 4);
  EXPECT_EQ(options.inner.name, "in");
  EXPECT_EQ(options.maybe_inner->name, "m");
  ASSERT_EQ(options.inners.size(), 2U);
  EXPECT_EQ(options.inners[1].depth, 2);
  EXPECT_EQ(options.raw.integer("anything"), 1);
  EXPECT_EQ(options.raws.at(0).integer("more"), 2);
}

TEST(Fields, SayWhichTypeIsWanted) {
  EXPECT_EQ(errors_of("rows = '5'"), "t.toml:1:1: 'rows' must be an integer, found a string");
  EXPECT_EQ(errors_of("flag = 1"), "t.toml:1:1: 'flag' must be a boolean (true or false), found an integer");
  EXPECT_EQ(errors_of("ratio = 'x'"), "t.toml:1:1: 'ratio' must be a number, found a string");
  EXPECT_EQ(errors_of("table = 1"), "t.toml:1:1: 'table' must be a string, found an integer");
  EXPECT_EQ(errors_of("ttl = 30"),
            "t.toml:1:1: 'ttl' must be a duration, found an integer; write a duration with a unit, such as "
            "\"30s\"");
  EXPECT_EQ(
      errors_of("ttl = '30'"),
      "t.toml:1:1: 'ttl': found '30'; write a duration with a unit (ns us ms s m h d w), such as \"30s\" "
      "or \"1h30m\"");
  EXPECT_EQ(errors_of("backoff = 1"),
            "t.toml:1:1: 'backoff' must be a range of durations, found an integer; write two durations with "
            "units, such as \"1s..5m\"");
  EXPECT_EQ(
      errors_of("batch = 1024"),
      "t.toml:1:1: 'batch' must be a size, found an integer; write a size with a unit, such as \"64KiB\"");
  EXPECT_EQ(errors_of("columns = ['a', 2]"),
            "t.toml:1:17: 'columns' must be a list of strings, found an integer");
  EXPECT_EQ(errors_of("inner = 1"), "t.toml:1:1: 'inner' must be a table, found an integer");
  EXPECT_EQ(errors_of("inners = 1"),
            "t.toml:1:1: 'inners' must be an array of tables, found an integer; write [[inners]]");
  EXPECT_EQ(errors_of("[raws]"),
            "t.toml:1:2: 'raws' must be an array of tables, found a table; write [[raws]]");
}

TEST(Fields, NameTheRange) {
  EXPECT_EQ(errors_of("rows = 0"), "t.toml:1:1: 'rows' must be 1 to 100000, found 0");
  EXPECT_EQ(errors_of("rows = 100001"), "t.toml:1:1: 'rows' must be 1 to 100000, found 100001");
  EXPECT_EQ(errors_of("ratio = 1.5"), "t.toml:1:1: 'ratio' must be 0 to 1, found 1.5");
  EXPECT_EQ(errors_of("ratio = nan"), "t.toml:1:1: 'ratio' must be a finite number, found nan");
  EXPECT_EQ(errors_of("ttl = '1ms'"), "t.toml:1:1: 'ttl' must be at least 1s, found 1ms");
  EXPECT_EQ(errors_of("backoff = '1s..2h'"), "t.toml:1:1: 'backoff' must be 1ms to 1h, found 1s..2h");
  EXPECT_EQ(errors_of("batch = '1B'"), "t.toml:1:1: 'batch' must be 1KiB to 64MiB, found 1B");
  EXPECT_EQ(errors_of("maybe_number = 4"), "t.toml:1:1: 'maybe_number' must be 1 to 3, found 4");
}

TEST(Fields, NameTheLimitsOfTheTypeItself) {
  EXPECT_EQ(errors_of("port = 65536"), "t.toml:1:1: 'port' must be 0 to 65535, found 65536");
  EXPECT_EQ(errors_of("count = -1"), "t.toml:1:1: 'count' must be 0 to 4294967295, found -1");
  EXPECT_EQ(errors_of("number = 2147483648"),
            "t.toml:1:1: 'number' must be -2147483648 to 2147483647, found 2147483648");
}

TEST(Fields, NameTheChoicesAndTheNearest) {
  EXPECT_EQ(errors_of("colour = 'gren'"),
            "t.toml:1:1: 'colour' must be red | green, found 'gren'; did you mean 'green'?");
  EXPECT_EQ(errors_of("colour = 'violet'"), "t.toml:1:1: 'colour' must be red | green, found 'violet'");
  EXPECT_EQ(errors_of("maybe_text = 'redis://:c4n4ry@h'"),
            "t.toml:1:1: 'maybe_text' must be plain | fancy | a b, found 'redis://:***@h'");
}

TEST(Fields, AskTheirChecks) {
  EXPECT_EQ(errors_of("table = 'a b'"), "t.toml:1:1: 'table' must hold no space");
  EXPECT_EQ(errors_of("maybe_text = 'a b'"), "t.toml:1:1: 'maybe_text' must hold no space");
}

TEST(Fields, ReportUnknownKeysOfNestedTablesToo) {
  EXPECT_EQ(errors_of("row = 1\ninner = { dept = 1 }\n[[inners]]\ndepth = 10\n"),
            "t.toml:1:1: unknown key 'row'; did you mean 'rows'?\n"
            "t.toml:2:11: unknown key 'dept'; did you mean 'depth'?\n"
            "t.toml:4:1: 'depth' must be 1 to 9, found 10");
}

TEST(Fields, ReportEverythingAtOnce) {
  EXPECT_EQ(errors_of("ttl = 1\nrows = 0\nflga = true\ncolour = 1\n"),
            "t.toml:1:1: 'ttl' must be a duration, found an integer; write a duration with a unit, such as "
            "\"30s\"\n"
            "t.toml:2:1: 'rows' must be 1 to 100000, found 0\n"
            "t.toml:3:1: unknown key 'flga'; did you mean 'flag'?\n"
            "t.toml:4:1: 'colour' must be a string, found an integer");
}

TEST(Fields, MissRequiredKeysAtTheirTable) {
  struct Needs {
    std::string table;
    Table source;
  };
  const auto needs =
      Fields<Needs>().required("table", &Needs::table, "t").required("source", &Needs::source, "s");
  const Findings findings;
  Needs out;
  EXPECT_FALSE(needs.read(*table_of("\n[x.y]\n", findings).table("x")->table("y"), out));
  EXPECT_EQ(findings.text(),
            "t.toml:2:1: required key 'table' is missing in [x.y]\n"
            "t.toml:2:1: required key 'source' is missing in [x.y]");
}

TEST(Fields, IncludeThoseOfABase) {
  const auto common = Fields<Common>().required("connection", &Common::connection, "which").check(no_space);
  const auto all = Fields<Options>().include(common).add("rows", &Options::rows, "rows");
  const Findings findings;
  Options options;
  EXPECT_TRUE(all.read(table_of("connection = 'x'\nrows = 3\n", findings), options));
  EXPECT_EQ(options.connection, "x");
  EXPECT_FALSE(all.read(table_of("connection = 'x y'\n", findings), options));
  EXPECT_EQ(findings.text(), "t.toml:1:1: 'connection' must hold no space");
  EXPECT_EQ(all.docs().size(), 2U);
}

TEST(Fields, ShareATableWithAnotherReader) {
  const auto mine = Fields<Common>().add("connection", &Common::connection, "which");
  const auto theirs = Fields<Inner>().add("depth", &Inner::depth, "how deep");
  const Findings findings;
  const Table table = table_of("connection = 'x'\ndepth = 1\n", findings);
  Common common;
  Inner inner;
  EXPECT_TRUE(mine.read_fields(table, common));
  EXPECT_TRUE(theirs.read(table, inner));
}

TEST(Fields, DocumentThemselves) {
  std::map<std::string, FieldDoc> docs;
  for (const FieldDoc& doc : fields().docs()) docs[doc.key] = doc;
  EXPECT_EQ(docs["rows"].type_name, "integer");
  EXPECT_EQ(docs["rows"].default_text, "5000");
  EXPECT_EQ(docs["rows"].range_text, "1 to 100000");
  EXPECT_EQ(docs["rows"].help, "rows per page");
  EXPECT_EQ(docs["ttl"].default_text, "\"30s\"");
  EXPECT_EQ(docs["ttl"].range_text, "at least 1s");
  EXPECT_EQ(docs["colour"].default_text, "\"green\"");
  EXPECT_EQ(docs["colour"].range_text, "red | green");
  EXPECT_EQ(docs["table"].example, "\"public.users\"");
  EXPECT_EQ(docs["columns"].default_text, "[\"id\"]");
  EXPECT_EQ(docs["backoff"].default_text, "\"1s..5m\"");
  EXPECT_EQ(docs["batch"].default_text, "\"1MiB\"");
  EXPECT_EQ(docs["maybe_number"].default_text, "");
  EXPECT_EQ(docs["password"].default_text, "");
  EXPECT_EQ(docs["inner.depth"].range_text, "1 to 9");
  EXPECT_EQ(docs["inners"].type_name, "array of tables");
}

TEST(Fields, RefuseARuleThatDoesNotFit) {
  const auto length = [](const std::vector<std::string>&) { return std::optional<std::string>(); };
  EXPECT_THROW(Fields<Options>().range(1, 2), std::logic_error);
  EXPECT_THROW(Fields<Options>().add("table", &Options::table, "t").range(1, 2), std::logic_error);
  EXPECT_THROW(Fields<Options>().add("ttl", &Options::ttl, "t").at_least(1), std::logic_error);
  EXPECT_THROW(Fields<Options>().add("rows", &Options::rows, "t").one_of({"a"}), std::logic_error);
  EXPECT_THROW(Fields<Options>().add("table", &Options::table, "t").check(length), std::logic_error);
}

}  // namespace
}  // namespace syncd::config
