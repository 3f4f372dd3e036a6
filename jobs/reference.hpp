// The reference of every option, as Markdown, from the same declarations that parse.
#pragma once
#include <string>

namespace syncd::jobs {

// Sections, sources, transforms and sinks; docs/jobs/README.md is this text, and a lint keeps it so.
std::string reference();

}  // namespace syncd::jobs
