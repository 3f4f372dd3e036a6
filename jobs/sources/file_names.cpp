#include "jobs/sources/file_names.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace syncd::jobs {
namespace {

constexpr std::array<std::string_view, 6> kCompressed = {".gz", ".zst", ".zstd", ".bz2", ".xz", ".Z"};

bool strip_compressed(std::string_view& name) {
  for (const std::string_view ending : kCompressed) {
    if (name.size() <= ending.size() || !name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    return true;
  }
  return false;
}

// A number of at most three digits, a date, or a date and a time ("20260301", "2026-03-01", "20260301-1015").
bool is_rotation_mark(std::string_view text) {
  if (text.empty() || text.find_first_not_of("0123456789-_T:") != std::string_view::npos) return false;
  const auto digits =
      std::count_if(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
  const bool number = digits <= 3 && static_cast<std::size_t>(digits) == text.size();
  return std::isdigit(static_cast<unsigned char>(text.front())) != 0 && (number || digits >= 8);
}

// Takes ".1" or "-20260301" off the end.
bool strip_rotation(std::string_view& name) {
  const std::size_t last = name.find_last_not_of("0123456789-_T:");
  if (last == std::string_view::npos) return false;
  // The mark may begin within the digits and dashes at the end, behind any of . - _
  for (std::size_t at = last; at + 1 < name.size(); ++at) {
    const char c = name[at];
    if ((c == '.' || c == '-' || c == '_') && at != 0 && is_rotation_mark(name.substr(at + 1))) {
      name = name.substr(0, at);
      return true;
    }
  }
  return false;
}

}  // namespace

LogName log_name(std::string_view path) {
  LogName out;
  std::string_view name = path.substr(path.rfind('/') + 1);
  out.compressed = strip_compressed(name);
  out.rotated = strip_rotation(name);
  // The mark may stand in front of the ending: app-20260301.log, app.1.log.
  const std::size_t dot = name.rfind('.');
  if (!out.rotated && dot != std::string_view::npos && dot != 0) {
    std::string_view front = name.substr(0, dot);
    out.rotated = strip_rotation(front);
    out.stem = std::string(front) + std::string(name.substr(dot));
  } else {
    out.stem = name;
  }
  return out;
}

bool may_be_rotation(const LogName& name, const LogName& original) noexcept {
  return (name.rotated || name.compressed) && name.stem == original.stem;
}

bool is_compressed_name(std::string_view path, std::string_view original) noexcept {
  return path.size() > original.size() && path.starts_with(original) && strip_compressed(path) &&
         path == original;
}

}  // namespace syncd::jobs
