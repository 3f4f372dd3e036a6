#include "jobs/sources/file_glob.hpp"

#include <dirent.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <map>
#include <memory>
#include <tuple>

#include "config/duration.hpp"
#include "daemon/base/escape.hpp"

namespace syncd::jobs {
namespace {

constexpr std::string_view kAnyFolders = "**";
constexpr std::size_t kMostChoices = 1000;

// The length of the first character: a sequence of UTF-8, or a byte that is none.
std::size_t character(std::string_view text) { return std::max<std::size_t>(utf8_length(text), 1); }

// Whether `c` is in the class that begins behind '['; `pattern` moves behind its ']'.  A '[' that nothing
// closes was refused when the pattern was read.
bool in_class(std::string_view& pattern, std::string_view c) {
  const bool negated = pattern.starts_with('!') || pattern.starts_with('^');
  if (negated) pattern.remove_prefix(1);
  bool found = false;
  for (bool first = true; first || !pattern.starts_with(']'); first = false) {
    if (pattern.starts_with('\\')) pattern.remove_prefix(1);
    const std::string_view low = pattern.substr(0, character(pattern));
    pattern.remove_prefix(low.size());
    std::string_view high = low;
    if (pattern.size() > 1 && pattern[0] == '-' && pattern[1] != ']') {
      pattern.remove_prefix(1);
      if (pattern.starts_with('\\')) pattern.remove_prefix(1);
      high = pattern.substr(0, character(pattern));
      pattern.remove_prefix(high.size());
    }
    // Within one length UTF-8 is in the order of the characters.
    const auto key = [](std::string_view text) { return std::pair(text.size(), text); };
    found = found || (key(low) <= key(c) && key(c) <= key(high));
  }
  pattern.remove_prefix(1);
  return found != negated;
}

// One step of `pattern`, which is no '*', against the beginning of `name`; both move on.
bool step(std::string_view& pattern, std::string_view& name) {
  const std::string_view c = name.substr(0, character(name));
  const char what = pattern.front();
  if (what == '?') {
    pattern.remove_prefix(1);
  } else if (what == '[') {
    pattern.remove_prefix(1);
    if (!in_class(pattern, c)) return false;
  } else {
    if (what == '\\') pattern.remove_prefix(1);
    if (!pattern.starts_with(c)) return false;
    pattern.remove_prefix(c.size());
  }
  name.remove_prefix(c.size());
  return true;
}

// Where the class that begins at `at` ends; npos: nowhere.
std::size_t class_end(std::string_view pattern, std::size_t at) {
  std::size_t i = at + 1;
  if (i < pattern.size() && (pattern[i] == '!' || pattern[i] == '^')) ++i;
  for (bool first = true; i < pattern.size(); ++i, first = false) {
    if (pattern[i] == '\\') {
      ++i;
    } else if (pattern[i] == ']' && !first) {
      return i;
    }
  }
  return std::string_view::npos;
}

// Calls seen(i) at each character that is neither quoted nor inside a class.
template <class Seen>
void scan(std::string_view pattern, Seen seen) {
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '\\') {
      if (++i == pattern.size()) throw config::ValueError("ends in a lone backslash");
    } else if (pattern[i] == '[') {
      const std::size_t end = class_end(pattern, i);
      if (end == std::string_view::npos) throw config::ValueError("has a [ without its ]");
      if (pattern.substr(i, end - i).find('/') != std::string_view::npos) {
        throw config::ValueError("has a / between [ and ]");
      }
      i = end;
    } else if (!seen(i)) {
      return;
    }
  }
}

// The alternatives of the first pair of braces, put in its place; the pattern alone where there is none.
void expand(const std::string& pattern, std::vector<std::string>& out) {
  std::vector<std::size_t> cuts;  // of the outermost braces: "{", its ","s, "}"
  std::size_t depth = 0;
  scan(pattern, [&](std::size_t i) {
    const char c = pattern[i];
    if (c == '}' && depth == 0) throw config::ValueError("has a } without its {");
    if ((c == '{' && depth++ == 0) || (c == ',' && depth == 1) || (c == '}' && --depth == 0))
      cuts.push_back(i);
    return cuts.empty() || depth != 0;
  });
  if (depth != 0) throw config::ValueError("has a { without its }");
  if (cuts.empty()) {
    out.push_back(pattern);
    if (out.size() > kMostChoices) throw config::ValueError("has braces for more than 1000 patterns");
    return;
  }
  for (std::size_t i = 0; i + 1 < cuts.size(); ++i) {
    expand(pattern.substr(0, cuts.front()) + pattern.substr(cuts[i] + 1, cuts[i + 1] - cuts[i] - 1) +
               pattern.substr(cuts.back() + 1),
           out);
  }
}

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> names;
  while (!path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view name = path.substr(0, slash);
    const bool again = name == kAnyFolders && !names.empty() && names.back() == kAnyFolders;
    if (!name.empty() && name != "." && !again) names.emplace_back(name);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  return names;
}

bool path_matches(const std::vector<std::string>& pattern, std::size_t at, std::string_view path) {
  if (at == pattern.size()) return path.empty();
  if (path.empty()) return false;
  const std::size_t slash = path.find('/');
  const std::string_view name = path.substr(0, slash);
  const std::string_view rest = slash == std::string_view::npos ? std::string_view() : path.substr(slash + 1);
  if (pattern[at] == kAnyFolders) {
    return path_matches(pattern, at + 1, path) || (!name.starts_with('.') && path_matches(pattern, at, rest));
  }
  return name_matches(pattern[at], name) && path_matches(pattern, at + 1, rest);
}

bool has_wildcard(std::string_view name) { return name.find_first_of("*?[\\") != std::string_view::npos; }

}  // namespace

bool name_matches(std::string_view pattern, std::string_view name) noexcept {
  if (name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.")) return false;
  // The last * takes as little as it can, and one more whenever what follows does not fit.
  std::optional<std::pair<std::string_view, std::string_view>> retry;
  while (true) {
    if (pattern.starts_with('*')) {
      pattern.remove_prefix(1);
      retry.emplace(pattern, name);
      continue;
    }
    if (pattern.empty() && name.empty()) return true;
    if (!pattern.empty() && !name.empty() && step(pattern, name)) continue;
    if (!retry || retry->second.empty()) return false;
    retry->second.remove_prefix(character(retry->second));
    std::tie(pattern, name) = *retry;
  }
}

Glob::Glob(std::string_view pattern) {
  if (pattern.empty()) throw config::ValueError("is empty");
  if (pattern.find('\0') != std::string_view::npos) throw config::ValueError("has a NUL");
  if (pattern.ends_with('/')) throw config::ValueError("names a folder: end it in a name, * or **");
  whole_path_ = pattern.find('/') != std::string_view::npos;
  std::vector<std::string> patterns;
  expand(std::string(pattern), patterns);
  for (const std::string& choice : patterns) {
    auto names = split(choice);
    if (names.empty()) throw config::ValueError("names no file");
    for (const std::string& name : names) {
      if (name == "..") throw config::ValueError("has a .. in it");
    }
    if (names.back() == kAnyFolders) names.emplace_back("*");
    choices_.push_back(std::move(names));
  }
}

bool Glob::matches(std::string_view path) const {
  const std::string_view subject = whole_path_ ? path.substr(1) : path.substr(path.rfind('/') + 1);
  for (const auto& names : choices_) {
    if (path_matches(names, 0, subject)) return true;
  }
  return false;
}

// --- walking -----------------------------------------------------------------------------------------

class FileGlobs::Walk {
 public:
  explicit Walk(const FileGlobs& globs) : globs_(globs), forbidden_(look_at(globs.forbidden_, true)) {}

  void descend(const std::vector<std::string>& names, std::size_t at, const std::string& folder);
  Found found;

 private:
  // The entries of a folder, listed once a walk.
  struct Entry {
    std::string name;
    bool folder;
  };
  const std::vector<Entry>& list(const std::string& folder);
  bool is_folder(const std::string& path, unsigned char type) const;
  bool forbidden(const std::string& folder);
  void offer(std::string path) {
    if (globs_.matches(path) && seen_.insert(path).second) found.paths.push_back(std::move(path));
  }

  const FileGlobs& globs_;
  std::optional<FileFacts> forbidden_;
  std::unordered_set<std::string> seen_;
  std::map<std::string, std::vector<Entry>> listed_;
};

bool FileGlobs::Walk::is_folder(const std::string& path, unsigned char type) const {
  if (type == DT_DIR) return true;
  if (type == DT_UNKNOWN || (type == DT_LNK && globs_.follow_symlinks_)) {
    const auto facts = look_at(path, globs_.follow_symlinks_);
    return facts && facts->folder;
  }
  return false;
}

const std::vector<FileGlobs::Walk::Entry>& FileGlobs::Walk::list(const std::string& folder) {
  const auto known = listed_.find(folder);
  if (known != listed_.end()) return known->second;
  std::vector<Entry>& entries = listed_[folder];
  const std::unique_ptr<DIR, int (*)(DIR*)> dir(::opendir(folder.empty() ? "/" : folder.c_str()), ::closedir);
  if (!dir) {
    if (errno != ENOENT) found.unreadable.push_back(fmt::format("{}: {}", folder, std::strerror(errno)));
    return entries;
  }
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    entries.push_back(Entry{std::string(name), is_folder(folder + "/" + entry->d_name, entry->d_type)});
  }
  return entries;
}

bool FileGlobs::Walk::forbidden(const std::string& folder) {
  if (!forbidden_) return false;
  const auto facts = look_at(folder.empty() ? "/" : folder, true);
  return facts && facts->key == forbidden_->key;
}

void FileGlobs::Walk::descend(const std::vector<std::string>& names, std::size_t at,
                              const std::string& folder) {
  if (forbidden(folder)) return;
  const std::string& name = names[at];
  const bool last = at + 1 == names.size();
  if (!has_wildcard(name)) {
    const std::string path = folder + "/" + name;
    const auto facts = look_at(path, true);
    if (last && facts && !facts->folder) offer(path);
    if (!last && facts && facts->folder) return descend(names, at + 1, path);
    found.folders.insert(folder.empty() ? "/" : folder);
    return;
  }
  found.folders.insert(folder.empty() ? "/" : folder);
  const bool any = name == kAnyFolders;
  if (any) descend(names, at + 1, folder);
  for (const Entry& entry : list(folder)) {
    const std::string path = folder + "/" + entry.name;
    if (any) {
      if (entry.folder && !entry.name.starts_with('.')) descend(names, at, path);
    } else if (name_matches(name, entry.name)) {
      if (last && !entry.folder) offer(path);
      if (!last && entry.folder) descend(names, at + 1, path);
    }
  }
}

FileGlobs::FileGlobs(std::vector<std::string> include, std::vector<std::string> exclude,
                     std::string forbidden, bool follow_symlinks)
    : forbidden_(std::move(forbidden)), follow_symlinks_(follow_symlinks) {
  for (const std::string& pattern : include) include_.emplace_back(pattern);
  for (const std::string& pattern : exclude) exclude_.emplace_back(pattern);
}

bool FileGlobs::matches(std::string_view path) const {
  const auto match = [path](const Glob& glob) { return glob.matches(path); };
  return std::any_of(include_.begin(), include_.end(), match) &&
         std::none_of(exclude_.begin(), exclude_.end(), match);
}

FileGlobs::Found FileGlobs::walk() const {
  Walk walk(*this);
  for (const Glob& glob : include_) {
    for (const auto& names : glob.choices()) walk.descend(names, 0, "");
  }
  return std::move(walk.found);
}

}  // namespace syncd::jobs
