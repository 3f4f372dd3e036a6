// Lines of files through the real binary: parsed, written, and what cannot be read kept aside.
#include <gtest/gtest.h>

#include "tests/support/eventually.hpp"
#include "tests/support/installation.hpp"
#include "tests/support/items.hpp"

namespace syncd::test {
namespace {

class LinesE2e : public ::testing::Test {
 protected:
  void job(const std::string& transforms, const std::string& sink, const std::string& more = "") {
    syncd_.folder().write("jobs.d/lines.toml",
                          "[jobs.lines]\nschedule = 'manual'\non_bad_record = 'dead_letter'\n" + more +
                              "[jobs.lines.source]\ntype = 'files'\npaths = ['" + log_ +
                              "']\nmode = 'read'\n" + transforms + "[jobs.lines.sink]\n" + sink);
  }
  void log(const std::string& text) { std::ofstream(log_, std::ios::binary | std::ios::app) << text; }
  Finished once() { return syncd_.run({"--once", "lines"}); }

  Items items_{PostgresServer::shared()};
  RedisServer redis_;
  Installation syncd_{Connected(items_.uri()), Connected(redis_.uri())};
  const std::string log_ = syncd_.path("app.log");
  const std::string json_ =
      "[[jobs.lines.transforms]]\ntype = 'parse_json'\n"
      "fields = { id = 'id', name = '/user/name' }\ntypes = { id = 'number' }\n";
};

TEST_F(LinesE2e, GoToTheStandardOutputOnce) {
  job(json_, "type = 'stdout'\n");
  log("{\"id\":1,\"user\":{\"name\":\"Ada\"}}\nno json\n{\"id\":2}\n");
  const Finished first = once();
  EXPECT_EQ(first.code, 0) << first.err;
  EXPECT_EQ(first.out, "{\"id\":1,\"name\":\"Ada\"}\n{\"id\":2,\"name\":null}\n");
  EXPECT_NE(first.err.find("went to the dead letters: parse_json: is no JSON"), std::string::npos)
      << first.err;
  log("{\"id\":3}\n");
  EXPECT_EQ(once().out, "{\"id\":3,\"name\":null}\n");
}

TEST_F(LinesE2e, ABadLineHaltsTheJobBeforeItIsPassed) {
  job(json_, "type = 'stdout'\n", "");
  syncd_.folder().write("jobs.d/lines.toml", [this] {
    std::string toml = read_file(syncd_.path("jobs.d/lines.toml"));
    toml.replace(toml.find("dead_letter"), 11, "halt");
    return toml;
  }());
  log("{\"id\":1}\nno json\n");
  const Finished first = once();
  EXPECT_NE(first.code, 0);
  EXPECT_NE(first.err.find("bad record: parse_json: is no JSON"), std::string::npos) << first.err;
  EXPECT_NE(first.err.find("no json"), std::string::npos) << first.err;
  EXPECT_NE(once().code, 0);  // it is still there
}

TEST_F(LinesE2e, OfCsvUpdateATable) {
  items_.exec(
      "CREATE TABLE products (sku text PRIMARY KEY, name text NOT NULL, price numeric, discontinued "
      "boolean)");
  job("[[jobs.lines.transforms]]\ntype = 'parse_csv'\ncolumns = ['sku', 'name', 'price', 'discontinued']\n"
      "header = true\n",
      "type = 'postgres_table'\nconnection = 'app'\ntable = 'products'\nkey = ['sku']\n"
      "delete_if = { field = 'discontinued', equals = true }\n");
  log("sku,name,price,discontinued\na,\"One\nand a half\",1.50,\nb,Two,,false\nc,Three,x,\nd,,1,\n");
  const Finished first = once();
  EXPECT_EQ(first.code, 0) << first.err;
  const auto table = [this] {
    return items_.value(
        "SELECT string_agg(sku || '=' || name || '=' || coalesce(price::text, '~'), ' ' ORDER BY sku) "
        "FROM products");
  };
  EXPECT_EQ(table(), "a=One\nand a half=1.50 b=Two=~");
  EXPECT_NE(first.err.find("invalid input syntax for type numeric: \"x\""), std::string::npos) << first.err;
  EXPECT_NE(first.err.find("null value in column \"name\""), std::string::npos) << first.err;
  log("a,,,true\nb,Two and more,2,\n");
  EXPECT_EQ(once().code, 0);
  EXPECT_EQ(table(), "b=Two and more=2");
}

TEST_F(LinesE2e, CheckOnlineLooksAtTheTable) {
  job(json_, "type = 'postgres_table'\nconnection = 'app'\ntable = 'nowhere'\n");
  syncd_.start();
  const Finished finished = syncd_.ctl({"check", "--online"});
  EXPECT_NE((finished.out + finished.err).find("there is no table \"nowhere\""), std::string::npos)
      << finished.out << finished.err;
}

}  // namespace
}  // namespace syncd::test
