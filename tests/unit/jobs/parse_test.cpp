// What the transforms make of lines, and where a line goes that they cannot read.
#include "jobs/row_json.hpp"
#include "tests/unit/jobs/flow_test.hpp"

namespace syncd::jobs {
namespace {

using Texts = std::vector<std::string>;
using test::lines;
using test::list;

class ParseJson : public test::FlowTest {
 protected:
  // The one row that comes of `text`; its reason where it is bad.
  std::string row(const std::string& fields, const std::string& text, const std::string& more = "") {
    bad_.clear();
    const Texts out = rows(parse_json(), "fields = " + fields + "\n" + more, {text});
    if (!bad_.empty()) return bad_[0].error;
    return out.empty() ? "nothing" : out[0];
  }
};

TEST_F(ParseJson, NamesAndPointersBecomeColumns) {
  EXPECT_EQ(row(R"({ user = "/user/id", level = "level", tag = "/tags/1" })",
                R"({"level":"info","user":{"id":7,"name":"x"},"tags":["a","b"]})"),
            "7|info|b");
  EXPECT_EQ(columns_, (Texts{"user", "level", "tag"}));
}

TEST_F(ParseJson, ValuesKeepTheirText) {
  for (const char* text : {"1.50", "-0", "1e400", "123456789012345678901234567890", "true", "false", "0.1"}) {
    EXPECT_EQ(row(R"({ v = "v" })", std::string("{\"v\": ") + text + " }"), text);
  }
  EXPECT_EQ(row(R"({ v = "v" })", R"({"v":null})"), "~");
  EXPECT_EQ(row(R"({ v = "v" })", R"({"w":1})"), "~");
  EXPECT_EQ(row(R"({ v = "v" })", "{}"), "~");
}

TEST_F(ParseJson, StringsAreUnescaped) {
  EXPECT_EQ(row(R"({ v = "v" })", R"({"v":"a\"b\\c\nd\u00e9\ud83d\ude00/"})"), "a\"b\\c\nd\u00e9\U0001F600/");
  EXPECT_EQ(row(R"({ v = "v" })", R"({"v":""})"), "");
  EXPECT_EQ(row(R"({ v = "caf\u00e9" })", R"({"caf\u00e9":"x"})"), "x");
  EXPECT_EQ(row(R"({ v = "/a~1b/c~0d" })", R"({"a/b":{"c~d":1}})"), "1");
}

TEST_F(ParseJson, NestedValuesAreJsonText) {
  EXPECT_EQ(row(R"({ v = "v", w = "w" })", R"({"v": {"a": [1, 2]} , "w":[ ]})"), R"({"a": [1, 2]}|[ ])");
  EXPECT_EQ(row(R"({ all = "v", one = "/v/a/0" })", R"({"v":{"a":["x\n",2]},"z":"y"})"),
            "{\"a\":[\"x\\n\",2]}|x\n");
}

TEST_F(ParseJson, TheLastOfTwoEqualNamesCounts) { EXPECT_EQ(row(R"({ v = "v" })", R"({"v":1,"v":2})"), "2"); }

TEST_F(ParseJson, WhatIsNoJsonSaysWhy) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "is no JSON"},
      {"plain text", "is no JSON"},
      {"[1]", "is no JSON object"},
      {"7", "is no JSON"},
      {R"({"v":1)", "is no JSON"},
      {R"({"v":"x)", "is no JSON"},
      {R"({"v":"x\q"})", "is no JSON"},
      {R"({"v":tru})", "'tru' is no value"},
      {R"({"v":01})", "'01' is no value"},
      {R"({"v":{"a":tru}})", "is no JSON"},
      {R"({"v":[1,]})", "is no JSON"},
      {R"({"v":1} {"v":2})", "is more text behind"},
      {R"({"v":1}})", "is"},
      {"{\"v\":\"\xff\"}", "is no JSON"},
  };
  for (const auto& [text, why] : cases) {
    const std::string verdict = row(R"({ v = "v" })", text);
    EXPECT_TRUE(verdict.starts_with("parse_json: ")) << text << " gave " << verdict;
    EXPECT_NE(verdict.find(why), std::string::npos) << text << " gave " << verdict;
  }
}

TEST_F(ParseJson, ABadLineIsKeptWhole) {
  const Texts out = rows(parse_json(), R"(fields = { v = "v" })", {R"({"v":1})", "oops \"x\"", R"({"v":3})"});
  EXPECT_EQ(out, (Texts{"1", "3"}));
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].record, R"({"line":"oops \"x\""})");
}

TEST_F(ParseJson, PositionsOfTheRowsThatStayAreTheirOwn) {
  const auto out = apply(parse_json(), R"(fields = { v = "v" })",
                         list(lines({R"({"v":1})", "oops", R"({"v":3})", "oops"})));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].position_at(1, Position()).text(), "p1");
  EXPECT_EQ(out[0].position_at(2, Position()).text(), "p4");
  EXPECT_EQ(out[0].position().text(), "p4");
}

TEST_F(ParseJson, TypesMakeTypedJson) {
  const auto out = apply(parse_json(),
                         "fields = { n = \"n\", b = \"b\", any = \"any\", t = \"t\" }\n"
                         "types = { n = \"number\", b = \"boolean\", any = \"json\" }",
                         list(lines({R"({"n":1.0,"b":true,"any":"x\n","t":5})", R"({"n":"2","any":null})",
                                     R"({"n":"2x"})", R"({"b":1})"})));
  ASSERT_EQ(out[0].rows(), 2U);
  EXPECT_EQ(row_json(out[0], 0), R"({"n":1.0,"b":true,"any":"x\n","t":"5"})");
  EXPECT_EQ(row_json(out[0], 1), R"({"n":2,"b":null,"any":null,"t":null})");
  ASSERT_EQ(bad_.size(), 2U);
  EXPECT_EQ(bad_[0].error, "parse_json: '2x' of the column 'n' is no number");
  EXPECT_EQ(bad_[1].error, "parse_json: '1' of the column 'b' is neither true nor false");
}

TEST_F(ParseJson, TheTextStaysWhereAsked) {
  EXPECT_EQ(row(R"({ v = "v" })", R"({"v":1})", "keep_field = true"), R"({"v":1}|1)");
}

TEST_F(ParseJson, LargeBatchesGoToAThreadAndKeepTheirOrder) {
  std::vector<Batch> batches;
  for (std::size_t i = 0; i < 20; ++i) {
    Texts texts;
    for (std::size_t k = 0; k < 500; ++k) {
      texts.push_back("{\"v\":" + std::to_string(i * 500 + k) + ",\"pad\":\"" + std::string(100, 'x') +
                      "\"}");
    }
    batches.push_back(lines(texts, i * 500));
  }
  const auto out = apply(parse_json(), R"(fields = { v = "v" })", std::move(batches));
  const Texts all = rows_of(out);
  ASSERT_EQ(all.size(), 10'000U);
  for (std::size_t i = 0; i < all.size(); ++i) ASSERT_EQ(all[i], std::to_string(i));
  EXPECT_EQ(out.back().position().text(), "p10000");
}

TEST_F(ParseJson, MistakesNameTheirPlace) {
  EXPECT_EQ(findings(parse_json(), R"(fields = { v = "/a~2" })"),
            "job.toml:1:1: '/a~2' is no JSON pointer: write ~0 for ~ and ~1 for /");
  EXPECT_EQ(findings(parse_json(), R"(fields = { v = "a", w = "/a" })"),
            "job.toml:1:1: '/a' is asked for twice");
  EXPECT_EQ(findings(parse_json(), "fields = { v = \"a\" }\nfield = \"lin\""),
            "job.toml:2:1: unknown column 'lin'; did you mean 'line'?");
  EXPECT_EQ(findings(parse_json(), "fields = { v = \"a\" }\ntypes = { v = \"nubmer\" }"),
            "job.toml:2:1: unknown type 'nubmer'; did you mean 'number'?");
  EXPECT_EQ(findings(parse_json(), "fields = { line = \"a\" }\nkeep_field = true"),
            "job.toml:1:1: two columns would be named 'line'");
}

// --- parse_regex -----------------------------------------------------------------------------------------

class ParseRegex : public test::FlowTest {
 protected:
  std::string row(const std::string& toml, const std::string& text) {
    bad_.clear();
    const Texts out = rows(parse_regex(), toml, {text});
    if (!bad_.empty()) return bad_[0].error;
    return out.empty() ? "nothing" : out[0];
  }
};

TEST_F(ParseRegex, NamedGroupsBecomeColumns) {
  EXPECT_EQ(row(R"(pattern = '^(?<level>[A-Z]+)(?: \[(?<id>\d+)\])?(x)? (?<message>.*)$')", "WARN [7] hot"),
            "WARN|7|hot");
  EXPECT_EQ(columns_, (Texts{"level", "id", "message"}));
  EXPECT_EQ(row(R"(pattern = '^(?<level>[A-Z]+)(?: \[(?<id>\d+)\])?(x)? (?<message>.*)$')", "WARN "),
            "WARN|~|");
  EXPECT_EQ(row(R"(pattern = '^(?<level>[A-Z]+) ')", "oops"), "parse_regex: the pattern does not match");
}

TEST_F(ParseRegex, APatternThatRunsAwayIsABadRecord) {
  const std::string verdict = row(R"(pattern = '^(?<x>(a+)+)$')", std::string(40, 'a') + "b");
  EXPECT_TRUE(verdict.starts_with("parse_regex: matching a pattern: ")) << verdict;
}

TEST_F(ParseRegex, ReadsNginx) {
  const std::string format = R"(format = "nginx_combined")";
  EXPECT_EQ(
      row(format,
          R"re(203.0.113.9 - - [10/Oct/2026:13:55:36 +0000] "GET /a?b=c HTTP/1.1" 200 612 "-" "Mozilla (X)")re"),
      "203.0.113.9|~|10/Oct/2026:13:55:36 +0000|GET /a?b=c HTTP/1.1|GET|/a?b=c|HTTP/1.1|200|612|~|Mozilla "
      "(X)");
  EXPECT_EQ(row(format, R"(::1 - ada [10/Oct/2026:13:55:36 +0000] "\x16\x03\x01" 400 150 "-" "-")"),
            R"(::1|ada|10/Oct/2026:13:55:36 +0000|\x16\x03\x01|~|~|~|400|150|~|~)");
  EXPECT_EQ(row(format, R"(::1 - - [x] "" 408 0 "http://h/" "a\x22b")"),
            R"(::1|~|x||~|~|~|408|0|http://h/|a\x22b)");
  EXPECT_EQ(row(format, "::1 - - [x]"), "parse_regex: the pattern does not match");
}

TEST_F(ParseRegex, ReadsApache) {
  EXPECT_EQ(row(R"(format = "apache_common")",
                R"(h.example - frank [10/Oct/2000:13:55:36 -0700] "GET /x.gif HTTP/1.0" 304 -)"),
            "h.example|~|frank|10/Oct/2000:13:55:36 -0700|GET /x.gif HTTP/1.0|GET|/x.gif|HTTP/1.0|304|~");
  EXPECT_EQ(row(R"(format = "apache_combined")",
                R"(::1 - - [t] "GET /\"q\" HTTP/1.1" 200 5 "http://r/" "a \"b\" c")"),
            R"(::1|~|~|t|GET /\"q\" HTTP/1.1|GET|/\"q\"|HTTP/1.1|200|5|http://r/|a \"b\" c)");
}

TEST_F(ParseRegex, ReadsSyslog) {
  const std::string old = R"(format = "syslog_rfc3164")";
  EXPECT_EQ(row(old, "<34>Oct 11 22:14:15 mymachine su[12]: 'su root' failed"),
            "34|Oct 11 22:14:15|mymachine|su|12|'su root' failed");
  EXPECT_EQ(row(old, "Oct  1 22:14:15 web kernel: [1.5] up: yes"),
            "~|Oct  1 22:14:15|web|kernel|~|[1.5] up: yes");
  EXPECT_EQ(row(old, "2026-11-25T00:00:00.1+00:00 web cron: x"),
            "~|2026-11-25T00:00:00.1+00:00|web|cron|~|x");
  EXPECT_EQ(row(old, "Oct 11 22:14:15 web no tag here"), "~|Oct 11 22:14:15|web|~|~|no tag here");
  const std::string fresh = R"(format = "syslog_rfc5424")";
  EXPECT_EQ(row(fresh,
                "<165>1 2003-10-11T22:14:15.003Z h app 7 ID47 [a@1 b=\"c]\\\"d\"][e@1] \xEF\xBB\xBF"
                "text"),
            "165|1|2003-10-11T22:14:15.003Z|h|app|7|ID47|[a@1 b=\"c]\\\"d\"][e@1]|text");
  EXPECT_EQ(row(fresh, "<0>1 - - - - - -"), "0|1|~|~|~|~|~|~|~");
}

TEST_F(ParseRegex, ReadyPatternsKnowTheirNumbers) {
  const auto out =
      apply(parse_regex(), R"(format = "apache_common")", list(lines({R"(h - - [t] "x" 304 -)"})));
  EXPECT_NE(row_json(out[0], 0).find(R"("status":304,"bytes":null)"), std::string::npos);
}

TEST_F(ParseRegex, MistakesNameTheirPlace) {
  EXPECT_EQ(findings(parse_regex(), "pattern = '(?<a>'"),
            "job.toml:1:1: 'pattern' is no pattern: missing closing parenthesis (at 6)");
  EXPECT_EQ(findings(parse_regex(), "pattern = '(a)'"),
            "job.toml:1:1: 'pattern' has no named group, such as (?<level>[A-Z]+)");
  EXPECT_NE(findings(parse_regex(), "").find("parse_regex needs either pattern or format"),
            std::string::npos);
}

}  // namespace
}  // namespace syncd::jobs
