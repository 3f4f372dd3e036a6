// Whether a file is, by its content, another one that was read before: that one itself under a new identity
// (moved, compressed, restored), or a copy of it.
#pragma once
#include "jobs/sources/file_reader.hpp"

namespace syncd::jobs {

struct Likeness {
  enum class Kind {
    Other,
    Same,   // everything that was read stands in it, up to `mark`
    Part,   // it ends before what was read does: a copy of the beginning
    Short,  // too short to tell
  };
  Kind kind = Kind::Other;
  Mark mark;
};

Likeness compare(FileReader& candidate, const Content& content);

}  // namespace syncd::jobs
