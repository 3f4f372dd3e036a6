// add_fields, drop_fields, mask and parse_logfmt.
#include <unistd.h>

#include "jobs/row_json.hpp"
#include "tests/unit/jobs/flow_test.hpp"

namespace syncd::jobs {
namespace {

using Texts = std::vector<std::string>;
using test::lines;
using test::list;

class ParseLogfmt : public test::FlowTest {
 protected:
  std::string row(const std::string& text) {
    bad_.clear();
    const Texts out = rows(parse_logfmt(), R"(fields = { level = "level", message = "msg" })", {text});
    if (!bad_.empty()) return bad_[0].error;
    return out.empty() ? "nothing" : out[0];
  }
};

TEST_F(ParseLogfmt, ReadsKeysAndValues) {
  EXPECT_EQ(row("level=info msg=up"), "info|up");
  EXPECT_EQ(row("  ts=1\tmsg=\"it is \\\"up\\\"\\n\\u00e9\\q\" level=warn x "),
            "warn|it is \"up\"\n\u00e9\\q");
  EXPECT_EQ(row("msg= level"), "true|");
  EXPECT_EQ(row("other=1"), "~|~");
  EXPECT_EQ(row("level=a level=b"), "b|~");
  EXPECT_EQ(row("level=a=b msg=\"\""), "a=b|");
}

TEST_F(ParseLogfmt, WhatIsNoneSaysWhy) {
  EXPECT_EQ(row("just a sentence"), "parse_logfmt: there is no key=value");
  EXPECT_EQ(row(""), "parse_logfmt: there is no key=value");
  EXPECT_EQ(row("msg=\"open"), "parse_logfmt: the quote of msg is never closed");
  EXPECT_EQ(row("msg=\"open\\\""), "parse_logfmt: the quote of msg is never closed");
  EXPECT_EQ(row("a=1 =2"), "parse_logfmt: a value without a key at 5");
}

class FieldTransforms : public test::FlowTest {
 protected:
  FieldTransforms() {
    job_.name = "web";
    stream_columns_ = {"id", "name"};
  }
  Texts rows_with(const TransformKind& kind, const std::string& toml) {
    Batch batch(std::make_shared<const Schema>(stream_columns_,
                                               std::vector<ColumnKind>{ColumnKind::Number, ColumnKind::Text}),
                Position("", "p2"));
    for (const char* text : {"1", "Ada", "2"}) batch.push_copy(text);
    batch.push_null();
    out_ = apply(kind, toml, list(std::move(batch)));
    return rows_of(out_);
  }
  std::vector<Batch> out_;
};

TEST(RowJson, WritesWhatIsNoNumberAsAString) {
  const auto written = [](std::string_view text) {
    Batch batch(std::make_shared<const Schema>(Texts{"n"}, std::vector<ColumnKind>{ColumnKind::Number}),
                Position());
    batch.push_copy(text);
    return row_json(batch, 0);
  };
  for (const char* number : {"0", "-1", "12.50", "1e+20", "-0.5E-3"}) {
    EXPECT_EQ(written(number), "{\"n\":" + std::string(number) + "}");
  }
  for (const char* other :
       {"", "-", "007", "1.", ".5", "+1", "1e", "12 Main St", "1,2", "NaN", "-Infinity"}) {
    EXPECT_EQ(written(other), "{\"n\":\"" + std::string(other) + "\"}");
  }
}

TEST_F(FieldTransforms, AddFieldsKnowsConstantsColumnsHostAndJob) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  EXPECT_EQ(rows_with(add_fields(),
                      R"(fields = { env = "prod", key = "{job}:{id}", again = "{id}", host = "{host}" })"),
            (Texts{std::string("1|Ada|prod|web:1|1|") + host.data(),
                   std::string("2|~|prod|web:2|2|") + host.data()}));
  EXPECT_EQ(columns_, (Texts{"id", "name", "env", "key", "again", "host"}));
  EXPECT_NE(row_json(out_[0], 0).find(R"("again":1,)"), std::string::npos);
}

TEST_F(FieldTransforms, AddFieldsNamesItsMistakes) {
  EXPECT_EQ(findings(add_fields(), R"(fields = { name = "x" })"),
            "job.toml:1:1: there is a column 'name' already; rename it first");
  EXPECT_EQ(findings(add_fields(), R"(fields = { x = "{nmae}" })"),
            "job.toml:1:1: unknown column 'nmae'; did you mean 'name'?");
  EXPECT_EQ(findings(add_fields(), R"(fields = { x = "{id" })"),
            "job.toml:1:1: 'x': '{' at 1 is never closed; write {{ for a brace");
}

TEST_F(FieldTransforms, DropFieldsLeavesTheOthers) {
  EXPECT_EQ(rows_with(drop_fields(), R"(fields = ["id"])"), (Texts{"Ada", "~"}));
  EXPECT_EQ(columns_, Texts{"name"});
  EXPECT_EQ(findings(drop_fields(), R"(fields = ["id", "name"])"),
            "job.toml:1:1: 'fields' would leave no column");
}

TEST_F(FieldTransforms, MaskHidesWholeColumns) {
  EXPECT_EQ(rows_with(mask(), "fields = [\"name\", \"id\"]\nreplacement = \"***\""),
            (Texts{"***|***", "***|~"}));
  EXPECT_EQ(row_json(out_[0], 0), R"({"id":"***","name":"***"})");
}

TEST_F(FieldTransforms, MaskHidesWhatAPatternFinds) {
  stream_columns_ = {"line"};
  EXPECT_EQ(
      rows(mask(), "fields = [\"line\"]\nreplacement = \"#\"\npattern = '\\d+'", {"a1b22", "none", "7", ""}),
      (Texts{"a#b#", "none", "#", ""}));
  EXPECT_EQ(
      rows(mask(), "fields = [\"line\"]\nreplacement = \"#\"\npattern = '(?<=key=)\\S*'", {"key=x key= y"}),
      (Texts{"key=# key= y"}));
  EXPECT_EQ(rows(mask(), "fields = [\"line\"]\nreplacement = \"#\"\npattern = 'x*'", {"\u00e9x\U0001F600xx"}),
            (Texts{"\u00e9#\U0001F600#"}));
}

// RFC 4231, test case 2, with the key made long enough by zeros, as HMAC does itself.
TEST_F(FieldTransforms, MaskHashesWithAKey) {
  stream_columns_ = {"line"};
  const std::string toml =
      "fields = [\"line\"]\nhash_key = \"Jefe\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000"
      "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000\"";
  const std::string want = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
  EXPECT_EQ(rows(mask(), toml, {"what do ya want for nothing?", "what do ya want for nothing?"}),
            (Texts{want, want}));
  EXPECT_EQ(rows(mask(), toml + "\npattern = 'what.*'", {"x=what do ya want for nothing?"}),
            Texts{"x=" + want});
}

TEST_F(FieldTransforms, WhatCannotBeMaskedDoesNotPassNorShow) {
  stream_columns_ = {"line"};
  const std::string secret = std::string(40, 'a') + "b";
  EXPECT_EQ(rows(mask(), "fields = [\"line\"]\nreplacement = \"#\"\npattern = '^(a+)+$'", {secret, "x"}),
            Texts{"x"});
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].record, R"({"line":null})");
}

TEST_F(FieldTransforms, MaskNamesItsMistakes) {
  EXPECT_NE(findings(mask(), R"(fields = ["id"])").find("mask needs either replacement or hash_key"),
            std::string::npos);
  EXPECT_EQ(findings(mask(), "fields = [\"id\"]\nhash_key = \"short\""),
            "job.toml:2:1: 'hash_key' must have at least 16 bytes: a short one can be guessed");
  EXPECT_EQ(findings(mask(), "fields = [\"id\"]\nreplacement = \"\"\npattern = '('"),
            "job.toml:3:1: 'pattern' is no pattern: missing closing parenthesis (at 2)");
}

}  // namespace
}  // namespace syncd::jobs
