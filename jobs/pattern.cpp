#define PCRE2_CODE_UNIT_WIDTH 8
#include "jobs/pattern.hpp"

#include <fmt/format.h>
#include <pcre2.h>

#include <algorithm>
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
  std::vector<std::pair<std::uint32_t, std::string>> names;  // by the number of the group
};

namespace {

template <class T>
T info(const pcre2_code* code, std::uint32_t what) {
  T value{};
  pcre2_pattern_info(code, what, &value);
  return value;
}

std::vector<std::pair<std::uint32_t, std::string>> names_of(const pcre2_code* code) {
  const auto count = info<std::uint32_t>(code, PCRE2_INFO_NAMECOUNT);
  const auto size = info<std::uint32_t>(code, PCRE2_INFO_NAMEENTRYSIZE);
  const auto* entry = info<PCRE2_SPTR>(code, PCRE2_INFO_NAMETABLE);
  std::vector<std::pair<std::uint32_t, std::string>> names;
  for (std::uint32_t i = 0; i < count; ++i, entry += size) {
    const std::uint32_t number = static_cast<std::uint32_t>(entry[0]) << 8 | entry[1];
    names.emplace_back(number, reinterpret_cast<const char*>(entry + 2));
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Pattern::Pattern(const std::string& text) : compiled_(std::make_unique<Compiled>()) {
  int error = 0;
  PCRE2_SIZE offset = 0;
  compiled_->code.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                      PCRE2_UTF | PCRE2_MATCH_INVALID_UTF, &error, &offset, nullptr));
  if (!compiled_->code) throw config::ValueError(fmt::format("{} (at {})", message(error), offset + 1));
  pcre2_jit_compile(compiled_->code.get(), PCRE2_JIT_COMPLETE);  // where not allowed, the interpreter serves
  compiled_->names = names_of(compiled_->code.get());
  // What nobody asks for need not be captured.
  const std::uint32_t groups = compiled_->names.empty() ? 0 : compiled_->names.back().first;
  compiled_->data.reset(pcre2_match_data_create(groups + 1, nullptr));
  compiled_->context.reset(pcre2_match_context_create(nullptr));
  pcre2_set_match_limit(compiled_->context.get(), kMatchLimit);
}

Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;
Pattern& Pattern::operator=(Pattern&&) noexcept = default;

// The code of pcre2_match(): negative where it is not found.
int Pattern::search(std::string_view subject, std::size_t from) const {
  const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data() != nullptr ? subject.data() : "");
  const auto attempt = [&](std::uint32_t options) {
    return pcre2_match(compiled_->code.get(), text, subject.size(), from, options, compiled_->data.get(),
                       compiled_->context.get());
  };
  int result = attempt(0);
  // The stack of the compiled form is small; the interpreter has the heap.
  if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = attempt(PCRE2_NO_JIT);
  if (result >= 0 || result == PCRE2_ERROR_NOMATCH) return result;
  throw Error(ErrorKind::Data, "matching a pattern: " + message(result));
}

bool Pattern::found_in(std::string_view subject) const { return search(subject, 0) >= 0; }

std::optional<std::pair<std::size_t, std::size_t>> Pattern::find(std::string_view subject,
                                                                 std::size_t from) const {
  if (search(subject, from) < 0) return std::nullopt;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(compiled_->data.get());
  return std::pair<std::size_t, std::size_t>(bounds[0], std::max(bounds[0], bounds[1]));
}

std::vector<std::string> Pattern::names() const {
  std::vector<std::string> names;
  for (const auto& [number, name] : compiled_->names) names.push_back(name);
  return names;
}

bool Pattern::match(std::string_view subject, std::vector<std::string_view>& groups) const {
  if (search(subject, 0) < 0) return false;
  const PCRE2_SIZE* bounds = pcre2_get_ovector_pointer(compiled_->data.get());
  groups.clear();
  for (const auto& [number, name] : compiled_->names) {
    const PCRE2_SIZE begin = bounds[2 * number];
    groups.push_back(begin == PCRE2_UNSET ? std::string_view()
                                          : subject.substr(begin, bounds[2 * number + 1] - begin));
  }
  return true;
}

}  // namespace syncd::jobs
