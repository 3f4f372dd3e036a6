// Glob: a path with wildcards, as shells know them: * and ? within one name, [a-z] and [!a-z], {one,two},
// ** for any number of folders, \ before a character that is meant as it is.  A wildcard never matches the
// dot of a hidden name.
#pragma once
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "jobs/sources/file_handle.hpp"

namespace syncd::jobs {

// Whether `name`, which has no slash, matches `pattern`, which has no braces.
bool name_matches(std::string_view pattern, std::string_view name) noexcept;

class Glob {
 public:
  // Throws config::ValueError where the pattern makes no sense.
  explicit Glob(std::string_view pattern);

  // A pattern without a slash looks at the last name only.
  bool matches(std::string_view path) const;
  // The names from the root on, "**" for any folders; one list for each choice of the braces.
  const std::vector<std::vector<std::string>>& choices() const noexcept { return choices_; }

 private:
  std::vector<std::vector<std::string>> choices_;
  bool whole_path_ = true;
};

// What a job reads: every file that one of `include` matches and none of `exclude`.  Nothing inside
// `forbidden` (the state directory), by whatever way it is reached.
class FileGlobs {
 public:
  FileGlobs(std::vector<std::string> include, std::vector<std::string> exclude, std::string forbidden,
            bool follow_symlinks);

  bool matches(std::string_view path) const;

  // What a walk has met.
  struct Found {
    std::vector<std::string> paths;       // each once; folders are left out, symbolic links are not
    std::set<std::string> folders;        // where a new match may appear
    std::vector<std::string> unreadable;  // folders that could not be listed: "PATH: why"
  };
  Found walk() const;

 private:
  class Walk;
  std::vector<Glob> include_;
  std::vector<Glob> exclude_;
  std::string forbidden_;
  bool follow_symlinks_;
};

}  // namespace syncd::jobs
