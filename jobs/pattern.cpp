#define PCRE2_CODE_UNIT_WIDTH 8
#include "jobs/pattern.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <array>

#include "config/duration.hpp"
#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

// A pattern that backtracks further than this on one text is refused: 100,000 steps are a few milliseconds.
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

struct Pattern::Compiled {
  std::unique_ptr<pcre2_code, FreeCode> code;
  std::unique_ptr<pcre2_match_data, FreeData> data;
  std::unique_ptr<pcre2_match_context, FreeContext> context;
};

Pattern::Pattern(const std::string& text) : compiled_(std::make_unique<Compiled>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                      PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr));
  if (!compiled_->code) throw config::ValueError(fmt::format("{} (at {})", message(error), offset + 1));
  pcre2_jit_compile(compiled_->code.get(), PCRE2_JIT_COMPLETE);  // where not allowed, the interpreter serves
  compiled_->data.reset(pcre2_match_data_create(1, nullptr));
  compiled_->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled_->context.get(), kMatchLimit);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

bool Pattern::found_in(std::string_view subject) const {
  const int result = pcre2_match(compiled_->code.get(), reinterpret_cast<PCRE2_SPTR>(subject.data()),
                                 subject.size(), 0, 0, compiled_->data.get(), compiled_->context.get());
  if (result >= 0) return true;
  if (result == PCRE2_ERROR_NOMATCH) return false;
  throw Error(ErrorKind::Data, "matching a pattern: " + message(result));
}

}  // namespace syncd::jobs
