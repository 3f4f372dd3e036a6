#include "daemon/schedule/zones.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <system_error>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "config/table.hpp"

namespace syncd::schedule {
namespace {

namespace fs = std::filesystem;

// A name leads to a file below the folder and nowhere else.
bool is_plain(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+' || c == '/';
  };
  return !name.empty() && name.front() != '/' && std::all_of(name.begin(), name.end(), plain);
}

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

}  // namespace

Zone Zones::get(const std::string& name) {
  if (name.empty()) return system();
  if (const auto known = read_.find(name); known != read_.end()) return known->second;
  std::error_code error;
  Zone zone;
  if (is_plain(name) && fs::is_regular_file(folder_ / name, error)) {
    zone = read(name, folder_ / name);
  } else if (name != zone.name()) {
    fail_unknown(name);
  }
  return read_.emplace(name, zone).first->second;
}

Zone Zones::read(const std::string& name, const fs::path& file) const {
  try {
    return Zone::parse(name, contents(file));
  } catch (const config::ValueError& error) {
    throw config::ValueError(fmt::format("cannot use {}: {}", file.string(), error.what()));
  }
}

void Zones::fail_unknown(const std::string& name) const {
  const std::vector<std::string> known = names();
  if (known.empty()) {
    throw config::ValueError(
        fmt::format("cannot find time zone {}: there is no tz database in {}; "
                    "install the package tzdata",
                    config::quoted(name), folder_.string()));
  }
  const std::string near = config::nearest(name, known);
  throw config::ValueError(
      fmt::format("unknown time zone {}; {}", config::quoted(name),
                  near.empty() ? "write a name of the tz database, such as 'Europe/Paris' or 'UTC'"
                               : fmt::format("did you mean '{}'?", near)));
}

Zone Zones::system() {
  const char* variable = std::getenv("TZ");
  std::string_view wanted(variable == nullptr ? "" : variable);
  if (wanted.starts_with(':')) wanted.remove_prefix(1);
  if (!wanted.empty() && wanted != localtime_.native()) {  // ":/etc/localtime" spares libc system calls
    try {
      return get(std::string(wanted));
    } catch (const config::ValueError& error) {
      throw config::ValueError(fmt::format("the variable TZ: {}", error.what()));
    }
  }
  std::error_code error;
  const std::string target = fs::read_symlink(localtime_, error).string();
  constexpr std::string_view kFolder = "/zoneinfo/";
  if (const auto at = target.rfind(kFolder); !error && at != std::string::npos) {
    return get(target.substr(at + kFolder.size()));
  }
  // A copy of the file instead of a link.
  if (fs::is_regular_file(localtime_, error)) return read(localtime_.string(), localtime_);
  return Zone();
}

std::vector<std::string> Zones::names() const {
  std::vector<std::string> names;
  std::error_code error;
  const std::string root = folder_.string() + '/';
  for (fs::recursive_directory_iterator entry(folder_, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().string().substr(root.size());
    // posix/ is all of it once more, right/ counts leap seconds.
    if (entry->is_directory(error) && (name == "posix" || name == "right")) entry.disable_recursion_pending();
    if (!entry->is_regular_file(error) || !is_plain(name)) continue;
    std::string magic(4, '\0');
    std::ifstream(entry->path(), std::ios::binary).read(magic.data(), 4);
    if (magic == "TZif") names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace syncd::schedule
