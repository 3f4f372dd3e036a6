// What the names of rotated logs have in common: app.log becomes app.log.1, app.log-20260301,
// app-20260301.log or app.log.1.gz.
#pragma once
#include <string>
#include <string_view>

namespace syncd::jobs {

struct LogName {
  std::string stem;         // the same for all rotations of a log, wherever they lie
  bool rotated = false;     // it carries a number or a date
  bool compressed = false;  // its name says so
};
LogName log_name(std::string_view path);

// Whether `path` is what a rotation may call the log `original`, or a rotation of it, next.
bool may_be_rotation(const LogName& name, const LogName& original) noexcept;

// Whether `path` is `original` with the ending of a compressed file.
bool is_compressed_name(std::string_view path, std::string_view original) noexcept;

}  // namespace syncd::jobs
