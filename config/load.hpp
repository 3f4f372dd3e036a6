// Reads syncd.toml and the jobs.d/*.toml beside it into the model.  It never stops at the first error:
// what it returns is meant for use only when no finding was added, or to look for further findings.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "config/error.hpp"
#include "config/fields.hpp"
#include "config/model.hpp"

namespace syncd::config {

// `main_file` must exist; jobs.d may be absent.  In jobs.d the files *.toml are read in the order of
// their names, but hidden ones and editors' backups; they hold [jobs.NAME] only.  Jobs and connections
// that have findings are in the result too, as far as they could be read.
Config load(const std::filesystem::path& main_file, const Findings& findings);

// The same, for callers that cannot go on: throws ConfigError with all findings.
Config load_or_throw(const std::filesystem::path& main_file);

// [a-z0-9][a-z0-9_-]{0,62}: names of jobs and of connections.
bool valid_name(std::string_view name);

// The tables of the model for the generated documentation: "daemon", "log", "control", "jobs.NAME".
struct SectionDoc {
  std::string name;
  std::string help;
  std::vector<FieldDoc> fields;
};
std::vector<SectionDoc> section_docs();

}  // namespace syncd::config
