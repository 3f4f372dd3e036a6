#include "jobs/sources/file_likeness.hpp"

namespace syncd::jobs {

Likeness compare(FileReader& candidate, const Content& content) {
  using Kind = Likeness::Kind;
  const std::string sample = candidate.sample();
  if (sample.size() < content.head.size) return Likeness{Kind::Short, {}};
  if (head_of(sample, content.head.size) != content.head) return Likeness{Kind::Other, {}};
  const auto mark = candidate.prove(content);
  if (mark && mark->offset == content.offset()) return Likeness{Kind::Same, *mark};
  // The beginning is the same.  It has ended before the last mark, or it goes on in another way.
  const bool goes_on = candidate.reaches(content.offset());
  if (mark) return Likeness{goes_on ? Kind::Same : Kind::Part, *mark};
  return Likeness{goes_on ? Kind::Other : Kind::Short, {}};
}

}  // namespace syncd::jobs
