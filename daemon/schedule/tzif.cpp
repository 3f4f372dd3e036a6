#include "daemon/schedule/tzif.hpp"

#include <cstdint>

#include "config/duration.hpp"

namespace syncd::schedule {
namespace {

using std::chrono::seconds;

// Big-endian numbers off the front of the file; it ends with an error instead of beyond the file.
class Bytes {
 public:
  explicit Bytes(std::string_view rest) : rest_(rest) {}

  std::string_view take(std::size_t size) {
    if (size > rest_.size()) throw config::ValueError("the file ends too early");
    const std::string_view front = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return front;
  }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const char c : take(size)) value = value << 8 | static_cast<unsigned char>(c);
    return value;
  }
  std::int64_t int64() { return static_cast<std::int64_t>(number(8)); }
  std::int32_t int32() { return static_cast<std::int32_t>(number(4)); }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct Header {
  std::size_t utc_flags;
  std::size_t standard_flags;
  std::size_t leap_seconds;
  std::size_t changes;
  std::size_t types;
  std::size_t name_bytes;

  std::size_t block_size(std::size_t time_size) const {
    return changes * (time_size + 1) + types * 6 + name_bytes + leap_seconds * (time_size + 4) +
           standard_flags + utc_flags;
  }
};

Header take_header(Bytes& file) {
  if (file.take(4) != "TZif") throw config::ValueError("it is no file of the tz database");
  if (file.take(1) < "2") throw config::ValueError("the file is of version 1, which ends in the year 2037");
  file.take(15);
  Header header{};
  for (std::size_t* count : {&header.utc_flags, &header.standard_flags, &header.leap_seconds, &header.changes,
                             &header.types, &header.name_bytes}) {
    *count = file.number(4);
  }
  return header;
}

std::vector<seconds> take_offsets(Bytes& file, std::size_t types) {
  std::vector<seconds> offsets;
  for (std::size_t i = 0; i < types; ++i) {
    offsets.emplace_back(file.int32());
    file.take(2);  // whether it counts as daylight time, and the place of its name
    if (std::chrono::abs(offsets.back()) >= std::chrono::hours(26)) {
      throw config::ValueError("an offset from UTC is more than a day");
    }
  }
  if (offsets.empty()) throw config::ValueError("the file has no offset from UTC");
  return offsets;
}

// The text between two newlines at the end; empty: the last listed change stays in force.
std::optional<YearRule> take_rule(Bytes& file) {
  const std::string_view rest = file.rest();
  const std::size_t end = rest.find('\n', 1);
  if (!rest.starts_with('\n') || end == std::string_view::npos) {
    throw config::ValueError("the file ends without its rule");
  }
  if (end == 1) return std::nullopt;
  return YearRule::parse(rest.substr(1, end - 1));
}

}  // namespace

ZoneChanges parse_tzif(std::string_view bytes) {
  Bytes file(bytes);
  file.take(take_header(file).block_size(4));  // the same once more, for programs that end in 2037
  const Header header = take_header(file);
  if (header.leap_seconds != 0) {
    throw config::ValueError("the zone counts leap seconds, which the system's clock does not");
  }
  Bytes times(file.take(header.changes * 8));
  Bytes types(file.take(header.changes));
  const std::vector<seconds> offsets = take_offsets(file, header.types);
  file.take(header.name_bytes + header.standard_flags + header.utc_flags);

  ZoneChanges zone;
  zone.offset_before = offsets.front();
  zone.rule_from = Instant::min();
  seconds offset = zone.offset_before;
  for (std::size_t i = 0; i < header.changes; ++i) {
    const Instant at(seconds(times.int64()));
    const std::size_t type = types.number(1);
    if (type >= offsets.size()) throw config::ValueError("a change has no offset from UTC");
    if (i != 0 && at <= zone.rule_from) throw config::ValueError("the changes are not in order");
    zone.rule_from = at;
    if (offsets[type] == offset) continue;  // of its name only
    offset = offsets[type];
    zone.listed.push_back({at, offset});
  }
  zone.rule = take_rule(file);
  if (!zone.rule) zone.rule_from = Instant::max();
  return zone;
}

}  // namespace syncd::schedule
