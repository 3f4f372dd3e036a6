// What a FileReader finds out about its file without reading it on: what it begins with, whether it is the
// one that was read, and where lines begin.
#include <algorithm>

#include "daemon/coro/stop.hpp"
#include "jobs/sources/file_reader.hpp"

namespace syncd::jobs {
namespace {

// How far back the last line is looked for.
constexpr std::uint64_t kLastLine = 64 * 1024;

}  // namespace

std::string FileReader::read_fully(std::uint64_t offset, std::size_t size) {
  std::string text(size, '\0');
  std::size_t done = 0;
  while (done < size) {
    const auto read = bytes_->read(std::span(text).subspan(done), offset + done, {});
    if (read.size == 0) break;
    done += read.size;
  }
  text.resize(done);
  return text;
}

std::string FileReader::sample() { return read_fully(0, kHead); }

std::optional<Mark> FileReader::prove(const Content& content) {
  const std::string head = sample();
  if (head_of(head, content.head.size) != content.head) return std::nullopt;
  const auto stands = [this](const Mark& mark) { return mark_at(mark.offset) == mark; };
  if (!bytes_->sequential()) {
    const auto last = std::find_if(content.marks.rbegin(), content.marks.rend(), stands);
    return last == content.marks.rend() ? std::nullopt : std::make_optional(*last);
  }
  std::optional<Mark> last;
  for (const Mark& mark : content.marks) {
    if (stands(mark)) last = mark;
  }
  return last;
}

std::optional<Mark> FileReader::mark_at(std::uint64_t offset) {
  const std::uint64_t size = mark_size(offset);
  const std::string bytes = read_fully(offset - size, size);
  if (bytes.size() != size) return std::nullopt;
  return Mark{offset, print_of(bytes)};
}

Mark FileReader::last_line(std::uint64_t size) {
  const std::string head = sample();
  const Detected detected = *detect(style_.options->encoding, head, true);
  const LineFormat format(detected.encoding, style_.options->delimiter, kLastLine, LongLine::Truncate);
  std::uint64_t from = 0;
  if (bytes_->sequential()) {
    size = kWhole;
  } else {
    const auto facts = look_at(bytes_->file());
    size = std::min(size, facts ? facts->size : 0);
    // Whole characters of two bytes, and the mark that is asked for.
    if (size > kLastLine + kMark) from = (size - kLastLine - kMark) & ~std::uint64_t{1};
  }
  FileWindow window(from);
  LineCutter cutter(format, from);
  std::uint64_t begin = from;
  while (true) {
    auto room = window.room(kLastLine, cutter.keep());
    room = room.first(std::min<std::uint64_t>(room.size(), size - window.end()));
    const auto read = bytes_->read(room, window.end(), {});
    if (read.size == 0) break;
    window.filled(read.size);
    while (const auto line = cutter.next(window)) begin = line->next;
  }
  // Too long a line to be found the beginning of.
  if (begin == from && from != 0) begin = window.end();
  if (begin < detected.mark) begin = std::min<std::uint64_t>(detected.mark, window.end());
  return mark_at(begin).value_or(Mark());
}

std::optional<Content> FileReader::before_line(std::uint64_t number) {
  const std::string head = sample();
  const Detected detected = *detect(style_.options->encoding, head, true);
  const LineFormat format(detected.encoding, style_.options->delimiter, kLastLine, LongLine::Truncate);
  FileWindow window;
  LineCutter cutter(format, detected.mark);
  std::uint64_t begin = detected.mark;
  std::uint64_t line_number = 1;
  while (line_number < number) {
    if (style_.interrupted->load(std::memory_order_relaxed)) throw coro::Cancelled();
    const auto room = window.room(kLastLine, std::max(cutter.keep(), window.begin()));
    const auto read = bytes_->read(room, window.end(), {});
    if (read.size == 0) return std::nullopt;
    window.filled(read.size);
    for (auto line = cutter.next(window); line; line = cutter.next(window)) {
      begin = line->next;
      if (++line_number == number) break;
    }
  }
  Content content;
  if (number == 1) return content;
  const auto mark = mark_at(begin);
  if (!mark) return std::nullopt;
  content.head = head_of(head, begin);
  content.marks = {*mark};
  return content;
}

}  // namespace syncd::jobs
