#include "tests/unit/jobs/flow_test.hpp"

namespace syncd::jobs {
namespace {

using Texts = std::vector<std::string>;
using test::lines;
using test::list;

const std::string kTwo = "columns = ['a', 'b']\n";

class ParseCsv : public test::FlowTest {
 protected:
  std::string row(const std::string& text, const std::string& more = "") {
    bad_.clear();
    const Texts out = rows(parse_csv(), kTwo + more, {text});
    if (!bad_.empty()) return bad_[0].error;
    return out.empty() ? "nothing" : out[0];
  }
};

TEST_F(ParseCsv, ReadsFieldsWithAndWithoutQuotes) {
  EXPECT_EQ(row("1,x y"), "1|x y");
  EXPECT_EQ(row(R"("1","x,y")"), "1|x,y");
  EXPECT_EQ(row(R"("say ""hi""","")"), "say \"hi\"|");
  EXPECT_EQ(row(R"("""",x)"), "\"|x");
  EXPECT_EQ(row(","), "~|~");
  EXPECT_EQ(row(R"(,"")"), "~|");
}

TEST_F(ParseCsv, OtherDelimitersAndQuotes) {
  EXPECT_EQ(row("1\tx\"y", "delimiter = \"\\t\"\nquote = ''"), "1|x\"y");
  EXPECT_EQ(row("'a;b';2", "delimiter = ';'\nquote = \"'\""), "a;b|2");
}

TEST_F(ParseCsv, WhatIsNoRecordSaysWhy) {
  EXPECT_EQ(row("1"), "parse_csv: 1 field instead of 2");
  EXPECT_EQ(row("1,2,3"), "parse_csv: 3 fields instead of 2");
  EXPECT_EQ(row("1,x\"y"), "parse_csv: a quote within field 2, which does not begin with one");
  EXPECT_EQ(row("\"1\"x,2"), "parse_csv: text behind the closing quote of field 1");
}

TEST_F(ParseCsv, TheHeaderIsNoRow) {
  EXPECT_EQ(rows(parse_csv(), kTwo + "header = true", {"a,b", "1,2", "\"a\",\"b\"", "3,4"}),
            (Texts{"1|2", "3|4"}));
  EXPECT_TRUE(bad_.empty());
}

TEST_F(ParseCsv, AnEmptyLineIsNoRecordUnlessThereIsOneColumn) {
  EXPECT_EQ(rows(parse_csv(), kTwo, {"1,2", "", "3,4", ""}), (Texts{"1|2", "3|4"}));
  EXPECT_EQ(rows(parse_csv(), "columns = ['a']", {"1", "", "2"}), (Texts{"1", "~", "2"}));
  EXPECT_TRUE(bad_.empty());
}

TEST_F(ParseCsv, AnotherHeaderEndsTheJob) {
  try {
    rows(parse_csv(), kTwo + "header = true", {"b,a", "1,2"});
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Config);
    EXPECT_STREQ(
        error.what(),
        "parse_csv: the header of the file is 'b, a'; 'columns' must name the same in the same order");
  }
}

TEST_F(ParseCsv, ARecordMayHaveSeveralLines) {
  const auto out = apply(parse_csv(), kTwo, list(lines({"1,\"x", "", "y\"", "2,z"})));
  EXPECT_EQ(rows_of(out), (Texts{"1|x\n\ny", "2|z"}));
  EXPECT_EQ(out[0].position_at(1, Position()).text(), "p3");
}

TEST_F(ParseCsv, ARecordMayBeCutByABatchAnywhere) {
  const Texts all = {"1,a", "2,\"x", "\"\"q\"\"", "y\"", "3,\"\"\"z", "\"\"", "w\"\"\"", "4,d"};
  const Texts want = {"1|a", "2|x\n\"q\"\ny", "3|\"z\n\"\nw\"", "4|d"};
  // Where each row may end: the position behind its last line.
  for (std::size_t size = 1; size <= all.size(); ++size) {
    std::vector<Batch> batches;
    for (std::size_t i = 0; i < all.size(); i += size) {
      const auto end = std::min(i + size, all.size());
      batches.push_back(lines(
          Texts(all.begin() + static_cast<std::ptrdiff_t>(i), all.begin() + static_cast<std::ptrdiff_t>(end)),
          i));
    }
    const auto out = apply(parse_csv(), kTwo, std::move(batches));
    EXPECT_EQ(rows_of(out), want) << size;
    ASSERT_FALSE(out.empty());
    EXPECT_EQ(out.back().position().text(), "p8") << size;
    std::size_t rows = 0;
    for (const Batch& batch : out) {
      rows += batch.rows();
      // Whoever goes on from here gets exactly the rest.
      const std::size_t from = std::stoul(batch.position().text().substr(1));
      const auto rest =
          apply(parse_csv(), kTwo,
                list(lines(Texts(all.begin() + static_cast<std::ptrdiff_t>(from), all.end()), from)));
      EXPECT_EQ(rows_of(rest), Texts(want.begin() + static_cast<std::ptrdiff_t>(rows), want.end())) << size;
    }
  }
}

TEST_F(ParseCsv, FilesDoNotMix) {
  const auto out =
      apply(parse_csv(), kTwo,
            list(lines({"0,0", "1,\"x"}, 0, "f"), lines({"2,b"}, 0, "g"), lines({"y\""}, 2, "f")));
  EXPECT_EQ(rows_of(out), (Texts{"0|0", "2|b", "1|x\ny"}));
  EXPECT_EQ(positions(out), (Texts{"fp1", "gp1", "fp3"}));
}

TEST_F(ParseCsv, ARecordThatIsOpenAtTheEndIsReadAgain) {
  const auto out = apply(parse_csv(), kTwo, list(lines({"1,a", "2,\"x", "y"})));
  EXPECT_EQ(rows_of(out), Texts{"1|a"});
  EXPECT_EQ(positions(out), Texts{"p1"});
  EXPECT_TRUE(bad_.empty());
  ASSERT_EQ(warnings_.size(), 1U);
  EXPECT_NE(warnings_[0].find("ends within quotes"), std::string::npos);
}

TEST_F(ParseCsv, AQuoteThatIsNeverClosedEndsSomewhere) {
  const auto out =
      apply(parse_csv(), kTwo + "max_record = '10B'", list(lines({"1,\"xxx", "yyyyyyyyyy", "2,b"})));
  EXPECT_EQ(rows_of(out), Texts{"2|b"});
  ASSERT_EQ(bad_.size(), 1U);
  EXPECT_EQ(bad_[0].error, "parse_csv: a quote is never closed");
  EXPECT_EQ(bad_[0].record, R"({"line":"1,\"xxx\nyyyyyyyyyy"})");
}

TEST_F(ParseCsv, MistakesNameTheirPlace) {
  EXPECT_EQ(findings(parse_csv(), "columns = ['a', 'a']"), "job.toml:1:1: 'columns' names a column twice");
  EXPECT_EQ(findings(parse_csv(), kTwo + "quote = ','"),
            "job.toml:2:1: 'quote' and 'delimiter' are the same");
}

}  // namespace
}  // namespace syncd::jobs
