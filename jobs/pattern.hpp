// Pattern: a Perl-compatible regular expression that cannot run away.  One thread at a time.
#pragma once
#include <memory>
#include <string>
#include <string_view>

namespace syncd::jobs {

class Pattern {
 public:
  // Throws config::ValueError that says what is wrong, and where.
  explicit Pattern(const std::string& text);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  // Bytes that are not UTF-8 match nothing.  Throws a Data error where the search exceeds its limit.
  bool found_in(std::string_view subject) const;

 private:
  struct Compiled;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace syncd::jobs
