#define PCRE2_CODE_UNIT_WIDTH 8
#include "jobs/predicate.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
#include <array>

#include "daemon/base/error.hpp"
#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

// A pattern that backtracks further than this on one cell is refused: 100,000 steps are a few milliseconds.
constexpr std::uint32_t kMatchLimit = 100'000;

struct FreeCode {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
};
struct FreeData {
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};
struct FreeContext {
  void operator()(pcre2_match_context* context) const { pcre2_match_context_free(context); }
};

std::string message(int code) {
  std::array<PCRE2_UCHAR, 256> text{};
  pcre2_get_error_message(code, text.data(), text.size());
  return reinterpret_cast<const char*>(text.data());
}

}  // namespace

struct Predicate::Pattern {
  explicit Pattern(const std::string& text) {
    int error = 0;
    PCRE2_SIZE offset = 0;
    code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                             PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr));
    if (!code) throw config::ValueError(fmt::format("{} (at {})", message(error), offset + 1));
    pcre2_jit_compile(code.get(), PCRE2_JIT_COMPLETE);  // where it is not allowed, the interpreter serves
    data.reset(pcre2_match_data_create(1, nullptr));
    context.reset(pcre2_match_context_create(nullptr));
    pcre2_set_match_limit(context.get(), kMatchLimit);
  }
  bool found_in(std::string_view subject) const {
    const int result = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()), subject.size(),
                                   0, 0, data.get(), context.get());
    if (result >= 0) return true;
    if (result == PCRE2_ERROR_NOMATCH) return false;
    throw Error(ErrorKind::Data, "matching a pattern: " + message(result));
  }
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_data, FreeData> data;
  std::unique_ptr<pcre2_match_context, FreeContext> context;
};

const config::Fields<PredicateOptions>& predicate_fields() {
  using O = PredicateOptions;
  static const auto all = config::Fields<O>()
                              .required("field", &O::field, "the column that is looked at")
                              .example("status")
                              .add("is_null", &O::is_null, "true: it is NULL")
                              .add("not_null", &O::not_null, "true: it is not NULL")
                              .add("equals", &O::equals, "its text is this")
                              .add("in", &O::in, "its text is one of these")
                              .add("not_in", &O::not_in, "its text is none of these; NULL is none of them")
                              .example("[\"active\"]")
                              .add("matches", &O::matches, "a Perl-compatible pattern is found in it");
  return all;
}

Predicate::Predicate(const PredicateOptions& options) : field_(options.field) {
  int given = 0;
  const auto take = [&](bool present, Test test) {
    if (present) test_ = test;
    given += present ? 1 : 0;
  };
  const bool null = options.is_null.value_or(false) || (options.not_null && !*options.not_null);
  take(options.is_null.has_value() || options.not_null.has_value(), null ? Test::Null : Test::NotNull);
  take(options.equals.has_value() || options.in.has_value(), Test::In);
  take(options.not_in.has_value(), Test::NotIn);
  take(options.matches.has_value(), Test::Matches);
  const bool twice = (options.is_null && options.not_null) || (options.equals && options.in);
  if (given != 1 || twice) {
    throw config::ValueError("needs exactly one of is_null, not_null, equals, in, not_in, matches");
  }
  if (options.equals) values_ = {options.equals->text};
  if (options.in) values_ = options.in->texts;
  if (options.not_in) values_ = options.not_in->texts;
  if (options.matches) {
    try {
      pattern_ = std::make_shared<const Pattern>(*options.matches);
    } catch (const config::ValueError& error) {
      throw config::ValueError(fmt::format("matches: {}", error.what()));
    }
  }
}

void Predicate::bind(const Schema& schema, std::string_view doing) {
  column_ = resolve_columns(schema, {field_}, doing).front();
}

bool Predicate::holds(const Batch& batch, std::size_t row) const {
  const Cell cell = batch.cell(row, column_);
  const auto listed = [&] {
    return !cell.null() && std::find(values_.begin(), values_.end(), cell.text()) != values_.end();
  };
  switch (test_) {
    case Test::Null:
      return cell.null();
    case Test::NotNull:
      return !cell.null();
    case Test::In:
      return listed();
    case Test::NotIn:
      return !listed();
    case Test::Matches:
      return !cell.null() && pattern_->found_in(cell.text());
  }
  return false;
}

}  // namespace syncd::jobs
