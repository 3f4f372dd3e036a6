// The time zones of the system, each read once: /usr/share/zoneinfo and /etc/localtime.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/schedule/zone.hpp"

namespace syncd::schedule {

class Zones {
 public:
  explicit Zones(std::filesystem::path folder = "/usr/share/zoneinfo",
                 std::filesystem::path localtime = "/etc/localtime")
      : folder_(std::move(folder)), localtime_(std::move(localtime)) {}

  // By its name in the tz database, "Europe/Paris"; "": the system's.  Throws config::ValueError that names
  // the nearest zone, or says that the database is missing.
  Zone get(const std::string& name);

  // Every name that get() knows, sorted.
  std::vector<std::string> names() const;

 private:
  // TZ, else where the link /etc/localtime leads, else UTC.
  Zone system();
  Zone read(const std::string& name, const std::filesystem::path& file) const;
  [[noreturn]] void fail_unknown(const std::string& name) const;

  std::filesystem::path folder_;
  std::filesystem::path localtime_;
  std::map<std::string, Zone> read_;
};

}  // namespace syncd::schedule
