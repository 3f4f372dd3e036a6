// Pattern: a Perl-compatible regular expression that cannot run away.  One thread at a time.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncd::jobs {

class Pattern {
 public:
  // Throws config::ValueError that says what is wrong, and where.
  explicit Pattern(const std::string& text);
  ~Pattern();
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;

  // Bytes that are not UTF-8 match nothing.  These throw a Data error where the search exceeds its limit.
  bool found_in(std::string_view subject) const;
  // Where it is found first from `from` on: [first, second).
  std::optional<std::pair<std::size_t, std::size_t>> find(std::string_view subject, std::size_t from) const;

  // The named groups, in the order in which they begin.
  std::vector<std::string> names() const;
  // The text of each of them, data() == nullptr where a group took no part; false: not found.
  bool match(std::string_view subject, std::vector<std::string_view>& groups) const;

 private:
  struct Compiled;
  int search(std::string_view subject, std::size_t from) const;
  std::unique_ptr<Compiled> compiled_;
};

}  // namespace syncd::jobs
