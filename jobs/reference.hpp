// The reference of every option, from the same declarations that parse.
#pragma once
#include <string>

namespace syncd::jobs {

enum class ReferenceFormat {
  Markdown,  // docs/jobs/README.md is this text, and a lint keeps it so
  Man,       // the body of syncd.toml(5) in the language of scdoc(5)
};

// Sections, connections, sources, transforms and sinks.
std::string reference(ReferenceFormat format);

}  // namespace syncd::jobs
