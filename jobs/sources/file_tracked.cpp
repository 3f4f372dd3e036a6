#include "jobs/sources/file_tracked.hpp"

namespace syncd::jobs {
namespace {

constexpr std::size_t kMarks = 12;

// Leaves out the mark whose neighbours stay closest together, seen from the end.
void thin(std::vector<Mark>& marks, std::size_t most) {
  while (marks.size() > most) {
    std::size_t least = 0;
    double smallest = 0;
    for (std::size_t i = 0; i + 1 < marks.size(); ++i) {
      const std::uint64_t before = i == 0 ? 0 : marks[i - 1].offset;
      const double gap = static_cast<double>(marks[i + 1].offset - before) /
                         static_cast<double>(marks.back().offset - before);
      if (i != 0 && gap >= smallest) continue;
      least = i;
      smallest = gap;
    }
    marks.erase(marks.begin() + static_cast<std::ptrdiff_t>(least));
  }
}

}  // namespace

void Tracked::close() {
  counts = all_counts();
  reader.reset();
  file = FileHandle();
}

FileCounts Tracked::all_counts() const {
  FileCounts all = counts;
  if (!reader) return all;
  const FileCounts& open = reader->counts();
  all.truncated += open.truncated;
  all.split += open.split;
  all.skipped += open.skipped;
  all.partial += open.partial;
  return all;
}

void Tracked::add_mark() {
  if (position.content.marks.empty()) return;
  const Mark& mark = position.content.marks.back();
  while (!marks.empty() && marks.back().offset >= mark.offset) marks.pop_back();
  marks.push_back(mark);
  thin(marks, kMarks);
}

Content Tracked::with_marks(std::size_t most) const {
  Content content = position.content;
  std::vector<Mark> all;
  for (const Mark& mark : marks) {
    if (mark.offset < content.offset()) all.push_back(mark);
  }
  all.insert(all.end(), content.marks.begin(), content.marks.end());
  thin(all, most);
  content.marks = std::move(all);
  return content;
}

}  // namespace syncd::jobs
