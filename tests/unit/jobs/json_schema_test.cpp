#include "jobs/transforms/json_schema.hpp"

#include <gmock/gmock.h>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

using testing::HasSubstr;

std::string complaint(const std::string& schema, const std::string& value) {
  return JsonSchema(schema).complaint(nlohmann::json::parse(value));
}
bool meets(const std::string& schema, const std::string& value) { return complaint(schema, value).empty(); }
std::string refusal(const std::string& schema) {
  try {
    JsonSchema made(schema);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(JsonSchema, Types) {
  EXPECT_TRUE(meets(R"({"type":"integer"})", "3"));
  EXPECT_TRUE(meets(R"({"type":"integer"})", "3.0"));
  EXPECT_FALSE(meets(R"({"type":"integer"})", "3.5"));
  EXPECT_TRUE(meets(R"({"type":["string","null"]})", "null"));
  EXPECT_FALSE(meets(R"({"type":["string","null"]})", "false"));
  EXPECT_TRUE(meets(R"({"type":"boolean"})", "false"));
  EXPECT_TRUE(meets("true", "[]"));
  EXPECT_FALSE(meets("false", "[]"));
  EXPECT_TRUE(meets("{}", "{\"a\":[1]}"));
}

TEST(JsonSchema, ValuesAndLimits) {
  EXPECT_TRUE(meets(R"({"enum":["low","high"]})", "\"low\""));
  EXPECT_FALSE(meets(R"({"enum":["low","high"]})", "\"mid\""));
  EXPECT_FALSE(meets(R"({"const":1})", "2"));
  EXPECT_TRUE(meets(R"({"minimum":1,"maximum":3})", "3"));
  EXPECT_FALSE(meets(R"({"minimum":1})", "0"));
  EXPECT_FALSE(meets(R"({"exclusiveMaximum":3})", "3"));
  EXPECT_TRUE(meets(R"({"maxLength":2})", "\"\xC3\xA4\xC3\xA4\"")) << "characters, not bytes";
  EXPECT_FALSE(meets(R"({"minLength":1})", "\"\""));
  EXPECT_FALSE(meets(R"({"minItems":1})", "[]"));
  EXPECT_TRUE(meets(R"({"minItems":1})", "\"no array\""));
}

TEST(JsonSchema, TheFirstWrongPlaceIsNamed) {
  const std::string schema =
      R"({"type":"object","required":["items"],"additionalProperties":false,"properties":
      {"items":{"type":"array","items":{"type":"object","properties":{"level":{"enum":["low","high"]}}}}}})";
  EXPECT_TRUE(meets(schema, R"({"items":[{"level":"low","more":1}]})"));
  EXPECT_THAT(complaint(schema, R"({"items":[{},{"level":"x"}]})"),
              HasSubstr("at /items/1/level: \"x\" is none of"));
  EXPECT_THAT(complaint(schema, "{}"), HasSubstr("\"items\" is missing"));
  EXPECT_THAT(complaint(schema, R"({"items":[],"other":1})"), HasSubstr("at /other"));
  EXPECT_THAT(complaint(schema, "[]"), HasSubstr("at the top: [] is not of type \"object\""));
}

TEST(JsonSchema, Alternatives) {
  const std::string any = R"({"anyOf":[{"type":"string"},{"type":"integer","minimum":5}]})";
  EXPECT_TRUE(meets(any, "7"));
  EXPECT_FALSE(meets(any, "3"));
  EXPECT_FALSE(meets(R"({"allOf":[{"minimum":1},{"maximum":2}]})", "3"));
  EXPECT_FALSE(meets(R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "3"));
  EXPECT_TRUE(meets(R"({"oneOf":[{"minimum":1},{"maximum":5}]})", "0"));
}

TEST(JsonSchema, WhatItDoesNotKnowIsRefused) {
  EXPECT_THAT(refusal(R"({"properties":{"a":{"pattern":"x"}}})"), HasSubstr("/properties/a/pattern"));
  EXPECT_THAT(refusal(R"({"$ref":"#"})"), HasSubstr("not known"));
  EXPECT_THAT(refusal(R"({"type":"text"})"), HasSubstr("type"));
  EXPECT_THAT(refusal(R"({"type":[]})"), HasSubstr("type"));
  EXPECT_THAT(refusal(R"({"maxItems":-1})"), HasSubstr("count"));
  EXPECT_THAT(refusal(R"({"anyOf":[]})"), HasSubstr("anyOf"));
  EXPECT_THAT(refusal("no json"), HasSubstr("no JSON"));
  EXPECT_THAT(refusal("[1]"), HasSubstr("schema"));
  EXPECT_EQ(refusal(R"({"title":"t","description":"d","examples":[1]})"), "");
}

}  // namespace
}  // namespace syncd::jobs
