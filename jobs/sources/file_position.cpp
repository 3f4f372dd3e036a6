#include "jobs/sources/file_position.hpp"

#include <fmt/format.h>

#include <charconv>
#include <utility>

#include "daemon/base/error.hpp"
#include "daemon/base/escape.hpp"

namespace syncd::jobs {
namespace {

constexpr std::string_view kFormat = "1";

Error no_position(std::string_view text) {
  return Error(ErrorKind::Permanent,
               fmt::format("reading the position '{}': it is none of a file", escaped(text.substr(0, 200))));
}

// Takes the text apart; any deviation from what encode() writes is an error.
class Reader {
 public:
  explicit Reader(std::string_view text) : all_(text), left_(text) {}

  bool takes(std::string_view what) {
    if (!left_.starts_with(what)) return false;
    left_.remove_prefix(what.size());
    return true;
  }
  void expect(std::string_view what) {
    if (!takes(what)) throw no_position(all_);
  }
  template <class T = std::uint64_t>
  T number(int base) {
    T value{};
    const auto [end, error] = std::from_chars(left_.data(), left_.data() + left_.size(), value, base);
    if (error != std::errc()) throw no_position(all_);
    left_.remove_prefix(static_cast<std::size_t>(end - left_.data()));
    return value;
  }
  Content content() {
    Content content;
    content.head.size = number<std::uint32_t>(10);
    expect(":");
    content.head.value = number(16);
    while (takes(",")) {
      Mark mark;
      mark.offset = number(10);
      expect(":");
      mark.value = number(16);
      if (mark.offset <= content.offset()) throw no_position(all_);
      content.marks.push_back(mark);
    }
    return content;
  }
  std::string_view rest() const { return left_; }

 private:
  std::string_view all_;
  std::string_view left_;
};

void append(std::string& out, const Content& content) {
  fmt::format_to(std::back_inserter(out), "{}:{:x}", content.head.size, content.head.value);
  for (const Mark& mark : content.marks) {
    fmt::format_to(std::back_inserter(out), ",{}:{:x}", mark.offset, mark.value);
  }
}

constexpr std::pair<Begin, std::string_view> kBegins[] = {
    {Begin::Beginning, "1 beginning"}, {Begin::End, "1 end"}, {Begin::Looked, "1 looked"}};

}  // namespace

// 1 KEY HEAD,MARK [was HEAD,MARK,...] [gone SECONDS] in PATH      with KEY = DEVICE:INODE:BIRTH in
// hexadecimal
std::string encode(const FilePosition& position) {
  const FileKey& key = position.key;
  std::string out = fmt::format("{} {:x}:{:x}:{:x} ", kFormat, key.device, key.inode, key.birth);
  append(out, position.content);
  for (const Content& earlier : position.earlier) {
    out += " was ";
    append(out, earlier);
  }
  if (position.gone) fmt::format_to(std::back_inserter(out), " gone {}", *position.gone);
  return out + " in " + position.path;
}

FilePosition decode_file_position(std::string_view text) {
  Reader in(text);
  FilePosition position;
  in.expect(kFormat);
  in.expect(" ");
  position.key.device = in.number(16);
  in.expect(":");
  position.key.inode = in.number(16);
  in.expect(":");
  position.key.birth = in.number(16);
  in.expect(" ");
  position.content = in.content();
  while (in.takes(" was ")) position.earlier.push_back(in.content());
  if (in.takes(" gone ")) position.gone = in.number<std::int64_t>(10);
  in.expect(" in ");
  position.path = in.rest();
  if (!position.path.starts_with('/') || position.path.size() < 2) throw no_position(text);
  return position;
}

std::string encode(Begin begin) {
  for (const auto& [value, text] : kBegins) {
    if (value == begin) return std::string(text);
  }
  return {};
}

Begin decode_begin(std::string_view text) {
  for (const auto& [value, name] : kBegins) {
    if (name == text) return value;
  }
  throw no_position(text);
}

}  // namespace syncd::jobs
