// The typed reader: places, types, unknown keys, and what a broken file says.
#include "config/table.hpp"

#include "tests/unit/config/config_test.hpp"

namespace syncd::config {
namespace {

std::string syntax_error(std::string_view text) {
  const Findings findings;
  EXPECT_FALSE(Table::parse_text(text, "t.toml", findings).has_value());
  EXPECT_EQ(findings.size(), 1U);
  return findings.text();
}

TEST(Table, ReadsEveryType) {
  const Findings findings;
  const Table table = table_of(
      "s = 'text'\ni = -7\nf = 2.5\nb = true\nl = ['x', 'y']\nm = { z = '1', a = '2' }\n"
      "x = ['a', 1, 2.5, true]\n[t]\nk = 1\n[[a]]\nn = 1\n[[a]]\nn = 2\n",
      findings);
  EXPECT_EQ(table.string("s"), "text");
  EXPECT_EQ(table.integer("i"), -7);
  EXPECT_EQ(table.number("f"), 2.5);
  EXPECT_EQ(table.number("i"), -7.0);
  EXPECT_EQ(table.boolean("b"), true);
  EXPECT_EQ(table.strings("l"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(table.strings("s"), (std::vector<std::string>{"text"}));
  EXPECT_EQ(table.ordered_strings("m"), (OrderedStrings{{"z", "1"}, {"a", "2"}}));
  EXPECT_EQ(table.scalar("f"), "2.5");
  EXPECT_EQ(table.scalars("x"), (std::vector<std::string>{"a", "1", "2.5", "true"}));
  EXPECT_EQ(table.table("t")->integer("k"), 1);
  ASSERT_EQ(table.tables("a").size(), 2U);
  EXPECT_EQ(table.tables("a")[1].integer("n"), 2);
  EXPECT_EQ(table.tables("a")[1].path(), "a#2");
  EXPECT_TRUE(table.finish());
  EXPECT_EQ(findings.text(), "");
}

TEST(Table, AbsentIsNoFinding) {
  const Findings findings;
  const Table table = table_of("", findings);
  EXPECT_FALSE(table.string("s").has_value());
  EXPECT_FALSE(table.table("t").has_value());
  EXPECT_TRUE(table.tables("a").empty());
  EXPECT_FALSE(table.has("s"));
  EXPECT_TRUE(table.keys().empty());
  EXPECT_TRUE(findings.empty());
}

TEST(Table, AnEmptyOneCanBeAskedToo) {
  const Table table;
  EXPECT_FALSE(table.string("s").has_value());
  EXPECT_TRUE(table.finish());
  EXPECT_EQ(table.file_name(), "");
  table.fail("s", "wrong");
  EXPECT_EQ(table.findings().size(), 1U);
}

TEST(Table, SaysWhichTypeItFoundAndWhere) {
  const Findings findings;
  const Table table = table_of(
      "a = '1'\nb = 1\nc = 1.0\nd = 'yes'\ne = ['x', 1]\n  f = []\ng = 1979-05-27\nh = { k = 1 }\n"
      "i = { z = 1 }\nj = [[1]]\n",
      findings);
  EXPECT_FALSE(table.integer("a").has_value());
  EXPECT_FALSE(table.string("b").has_value());
  EXPECT_FALSE(table.integer("c").has_value());
  EXPECT_FALSE(table.boolean("d").has_value());
  EXPECT_FALSE(table.strings("e").has_value());
  EXPECT_FALSE(table.table("f").has_value());
  EXPECT_FALSE(table.string("g").has_value());
  EXPECT_TRUE(table.tables("h").empty());
  EXPECT_FALSE(table.ordered_strings("i").has_value());
  EXPECT_FALSE(table.scalars("j").has_value());
  EXPECT_EQ(findings.text(),
            "t.toml:1:1: 'a' must be an integer, found a string\n"
            "t.toml:2:1: 'b' must be a string, found an integer\n"
            "t.toml:3:1: 'c' must be an integer, found a number\n"
            "t.toml:4:1: 'd' must be a boolean (true or false), found a string\n"
            "t.toml:5:11: 'e' must be a list of strings, found an integer\n"
            "t.toml:6:3: 'f' must be a table, found a list\n"
            "t.toml:7:1: 'g' must be a string, found a date or time\n"
            "t.toml:8:1: 'h' must be an array of tables, found a table; write [[h]]\n"
            "t.toml:9:7: 'z' must be a string, found an integer\n"
            "t.toml:10:6: 'j' must be a list of strings, numbers or booleans, found a list");
}

TEST(Table, NamesUnknownKeysInTheOrderOfTheFile) {
  const Findings findings;
  const Table table = table_of("zeta = 1\nschedul = 'x'\nretry = 1\n", findings);
  table.expect("schedule");
  EXPECT_EQ(table.integer("retry"), 1);
  EXPECT_FALSE(table.finish());
  EXPECT_EQ(findings.text(),
            "t.toml:1:1: unknown key 'zeta'; known: retry, schedule\n"
            "t.toml:2:1: unknown key 'schedul'; did you mean 'schedule'?");
}

TEST(Table, KnowsTheKeysThatACopyWasAskedForBefore) {
  const Findings findings;
  const Table table = table_of("type = 'x'\nother = 1\n", findings);
  table.string("type");
  const Table copy = table;
  copy.integer("other");
  EXPECT_TRUE(copy.finish());
  EXPECT_FALSE(table.finish());
}

TEST(Table, OutlivesTheDocumentThatItCameFrom) {
  const Findings findings;
  Table inner;
  {
    const Table outer = table_of("[jobs.users.source]\ntype = 'x'\n", findings);
    inner = *outer.table("jobs")->table("users")->table("source");
  }
  EXPECT_EQ(inner.string("type"), "x");
  EXPECT_EQ(inner.path(), "jobs.users.source");
  EXPECT_EQ(inner.path_of("type"), "jobs.users.source.type");
  EXPECT_EQ(inner.place().text(), "t.toml:1:1");
  EXPECT_EQ(inner.place("type").text(), "t.toml:2:1");
  EXPECT_EQ(inner.place("absent").text(), "t.toml:1:1");
}

TEST(Table, ReportsWhereItIsTold) {
  const Findings first;
  const Findings second;
  const Table table = table_of("a = 1\n", first).reporting_to(second);
  table.fail("a", "wrong");
  EXPECT_TRUE(first.empty());
  EXPECT_EQ(second.text(), "t.toml:1:1: wrong");
}

TEST(Table, KeepsTheOrderOfInlineTablesAndDottedKeys) {
  const Findings findings;
  const Table table = table_of("m = { z = '1', b = '2', y = '3' }\nd.q = '1'\nd.a = '2'\n", findings);
  EXPECT_EQ(table.ordered_strings("m"), (OrderedStrings{{"z", "1"}, {"b", "2"}, {"y", "3"}}));
  EXPECT_EQ(table.ordered_strings("d"), (OrderedStrings{{"q", "1"}, {"a", "2"}}));
}

TEST(Table, CountsLinesWithCarriageReturns) {
  const Findings findings;
  const Table table = table_of("# x\r\n\r\na = 1\r\n  b = 2\r\n", findings);
  EXPECT_EQ(table.integer("a"), 1);
  table.finish();
  EXPECT_EQ(findings.text(), "t.toml:4:3: unknown key 'b'; known: a");
}

TEST(Table, ReadsAFileWithAByteOrderMark) {
  const Findings findings;
  EXPECT_EQ(table_of("\xEF\xBB\xBF"
                     "a = 1\n",
                     findings)
                .integer("a"),
            1);
}

// The wording is that of toml++ and may change with it; the place and the heart of it may not.
void expect_syntax_error(std::string_view text, const std::string& place, const std::string& part) {
  const std::string error = syntax_error(text);
  EXPECT_TRUE(error.starts_with("t.toml:" + place + ": ")) << error;
  EXPECT_NE(error.find(part), std::string::npos) << error;
}

TEST(Table, SyntaxErrorsHaveAPlace) {
  expect_syntax_error("a = 1\nb = \n", "2:5", "expected value");
  expect_syntax_error("a = 1\n[x\n", "2:3", "expected ']'");
  expect_syntax_error("a = 1\na = 2\n", "2:5", "redefine existing integer 'a'");
  expect_syntax_error("a = 'x\n", "1:7", "literal string");
  expect_syntax_error("a = every 30s\n", "1:5", "a string needs quotes");
  expect_syntax_error("[jobs.users]\n[jobs.users]\n", "2:1", "redefine existing table 'jobs.users'");
}

TEST(Table, InvalidUtf8IsRefusedWithItsPlace) {
  expect_syntax_error("a = 'x'\nb = '\xff\xfe'\n", "2:5", "invalid utf-8");
  expect_syntax_error(std::string_view("a = 'x\0y'\n", 10), "1:7", "control characters");
}

TEST(Table, DeepNestingIsAnErrorNotACrash) {
  const std::string deep = "a = " + std::string(100'000, '[') + std::string(100'000, ']');
  expect_syntax_error(deep, "1:261", "depth");
  std::string tables;
  for (int i = 0; i < 5000; ++i) tables += "{ a = ";
  expect_syntax_error("a = " + tables, "1:1541", "depth");
  std::string dotted = "a";
  for (int i = 0; i < 5000; ++i) dotted += ".a";
  const Findings findings;
  const auto table = Table::parse_text(dotted + " = 1\n", "t.toml", findings);
  EXPECT_TRUE(table.has_value() || !findings.empty());
}

TEST(Table, SyntaxErrorsNeverEchoValues) {
  for (const char* value :
       {"c4n4ry",          "true_c4n4ry",  "falsec4n4ry", "123456c4n4ry",     "0xc4n4ryz",
        "inf_c4n4ry",      "nanc4n4ry",    "'c4n4ry",     "\"c4n4ry",         "\"c4n4ry\\q\"",
        "'c4n4ry' c4n4ry", "\"\"\"c4n4ry", "[c4n4ry]",    "{ env = c4n4ry }", "1979-c4n4ry",
        "07:c4n4ry",       "t4711c4n4ry",  "+c4n4ry",     "1_c4n4ry",         "\"c4n4ry\nc4n4ry\""}) {
    const std::string text = syntax_error("[connections.app]\npassword = " + std::string(value) + "\n");
    EXPECT_EQ(text.find("4n4"), std::string::npos) << text;
    EXPECT_EQ(text.find("anary"), std::string::npos) << text;
    EXPECT_TRUE(text.starts_with("t.toml:2:") || text.starts_with("t.toml:3:")) << text;
  }
  const std::string digits = syntax_error("password = 99887766554433221100998877\n");
  EXPECT_EQ(digits.find("998877"), std::string::npos) << digits;
}

TEST(Table, NamesAFileThatCannotBeRead) {
  const Folder folder;
  const Findings findings;
  EXPECT_FALSE(Table::parse_file(folder / "none.toml", findings).has_value());
  EXPECT_FALSE(Table::parse_file(folder.path(), findings).has_value());
  ASSERT_EQ(::mkfifo((folder / "pipe").c_str(), 0600), 0);
  EXPECT_FALSE(Table::parse_file(folder / "pipe", findings).has_value());
  EXPECT_EQ(findings.text(), folder.path() + ": is a directory, not a file\n" + (folder / "none.toml") +
                                 ": No such file or directory\n" + (folder / "pipe") +
                                 ": is not a regular file");
}

TEST(Table, QuotesWithoutPasswordsAndNotTooMuch) {
  EXPECT_EQ(config::quoted("plain"), "'plain'");
  EXPECT_EQ(config::quoted("redis://:c4n4ry@h"), "'redis://:***@h'");
  EXPECT_EQ(config::quoted(std::string(59, 'x') + "\xC3\xA9zz"), "'" + std::string(59, 'x') + "...'");
}

TEST(Table, LeavesAreWhatDiffersBetweenTwoTables) {
  const Findings findings;
  const Table before =
      table_of("a = 1\nl = ['x', 'y']\ngone = true\n[t]\nk = 'v'\n[[r]]\nn = 1\n[[r]]\nn = 2\n", findings);
  const Table same = table_of(
      "# as before\nl = [ 'x',  'y' ]\ngone = true\na = 1\nt = { k = 'v' }\nr = [{ n = 1 }, { n = 2 }]\n",
      findings);
  EXPECT_EQ(changed_keys(before.leaves(), same.leaves()), std::vector<std::string>());
  const Table after = table_of(
      "a = '1'\nl = ['y', 'x']\n[t]\nk = 'w'\nnew = 1\n[[r]]\nn = 1\n[[r]]\nn = 3\n[[r]]\nn = 4\n", findings);
  EXPECT_EQ(changed_keys(before.leaves(), after.leaves()),
            (std::vector<std::string>{"a", "gone", "l", "r#2.n", "r#3.n", "t.k", "t.new"}));
  EXPECT_EQ(changed_keys(Table().leaves(), same.leaves()).size(), 6U);
}

// A password that was changed where it stands is another one, though the table reads the same.
TEST(Table, LeavesKnowTheSecretsBehindATable) {
  const Findings findings;
  const Folder folder;
  const std::string file = folder.write("password", "old");
  const Table table = table_of("uri = 'x'\npassword = { file = '" + file + "' }\n", findings);
  const Leaves before = table.leaves(Table::Secrets::kFetched);
  EXPECT_EQ(before.at("password").reveal(), "old");
  EXPECT_FALSE(table.leaves().contains("password"));
  folder.write("password", "new");
  EXPECT_EQ(changed_keys(before, table.leaves(Table::Secrets::kFetched)),
            std::vector<std::string>{"password"});
}

}  // namespace
}  // namespace syncd::config
