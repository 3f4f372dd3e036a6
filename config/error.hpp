// What is wrong with the configuration: every finding of every file, with its place, so that the
// operator repairs all of them in one go.  Findings is a handle: copies add to the same list.
#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace syncd::config {

// A place in a file; line and column count from 1, 0 means "the file as a whole".
struct Place {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;

  // "file:line:column", or "file" alone where the line is 0.
  std::string text() const;
};

struct Finding {
  std::string file;
  unsigned line = 0;
  unsigned column = 0;
  std::string text;

  // "file:line:column: text"; the form that editors and humans know from compilers.
  std::string printed() const;
  friend bool operator==(const Finding&, const Finding&) = default;
};

class Findings {
 public:
  Findings();

  // Kept sorted by file, line and column; the same finding twice is kept once.  Control characters,
  // which keys and file names may hold, are escaped: one finding is one line.
  void add(Finding finding) const;
  void add(const Place& place, std::string text) const;

  bool empty() const { return list_->empty(); }
  std::size_t size() const { return list_->size(); }
  const std::vector<Finding>& all() const { return *list_; }
  // All findings, one a line, without a newline after the last; "" when there is none.
  std::string text() const;

 private:
  std::shared_ptr<std::vector<Finding>> list_;
};

// what() is Findings::text().  For callers for whom a wrong configuration is the end (exit 78).
class ConfigError : public std::runtime_error {
 public:
  explicit ConfigError(const Findings& findings) : std::runtime_error(findings.text()), findings_(findings) {}

  const Findings& findings() const { return findings_; }

 private:
  Findings findings_;
};

}  // namespace syncd::config
