#include "jobs/sources/postgres_position.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>

#include "daemon/base/error.hpp"
#include "daemon/base/escape.hpp"

namespace syncd::jobs {
namespace {

using nlohmann::json;
constexpr int kVersion = 1;

Error bad(const std::string& why) {
  return Error(ErrorKind::Permanent,
               "the stored position cannot be read (" + why + "): rewind the job to its start");
}

bool utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

// A text, or {"x": "..."} in hexadecimal where JSON cannot hold it (a database of encoding SQL_ASCII).
json encode_value(const std::string& value) {
  if (utf8(value)) return value;
  std::string digits;
  for (const char c : value) digits += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return {{"x", digits}};
}

std::string decode_value(const json& in) {
  if (in.is_string()) return in.get<std::string>();
  const auto digits = in.at("x").get<std::string>();
  if (digits.size() % 2 != 0) throw bad("odd hexadecimal digits");
  std::string value;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned byte = 0;
    const auto end = std::from_chars(digits.data() + i, digits.data() + i + 2, byte, 16);
    if (end.ec != std::errc() || end.ptr != digits.data() + i + 2) throw bad("odd hexadecimal digits");
    value += static_cast<char>(byte);
  }
  return value;
}

json encode_values(const CursorValues& values) {
  json out = json::array();
  for (const std::string& value : values) out.push_back(encode_value(value));
  return out;
}

CursorValues decode_values(const json& in, std::size_t least, std::size_t most) {
  if (!in.is_array() || in.size() < least || in.size() > most) throw bad("a cursor of the wrong width");
  CursorValues values;
  for (const json& value : in) values.push_back(decode_value(value));
  return values;
}

std::uint64_t decode_xid(const json& in) {
  if (!in.is_number_unsigned()) throw bad("a transaction id that is none");
  return in.get<std::uint64_t>();
}

// As an object where it is inclusive.
json encode_start(const Start& start) {
  if (!start.inclusive) return encode_values(start.values);
  return {{"at", encode_values(start.values)}};
}

Start decode_start(const json& in, std::size_t width) {
  if (in.is_object()) return Start(decode_values(in.at("at"), 1, width), true);
  return Start(decode_values(in, width, width));
}

json encode_range(const OpenRange& range) {
  json out = {{"h", encode_value(range.high)}, {"t", range.since_us}};
  if (!range.waiting.empty()) out["v"] = range.waiting;
  if (!range.prepared.empty()) out["p"] = range.prepared;
  if (range.low) out["l"] = encode_start(*range.low);
  if (range.unseen) out["u"] = *range.unseen;
  if (range.due) out["d"] = *range.due;
  if (range.at) out["a"] = encode_values(*range.at);
  return out;
}

Transactions decode_transactions(const json& in) {
  Transactions out;
  for (const auto& [id, xid] : in.get_ref<const json::object_t&>()) out.emplace(id, decode_xid(xid));
  return out;
}

OpenRange decode_range(const json& in, std::size_t width) {
  OpenRange range;
  range.high = decode_value(in.at("h"));
  range.since_us = in.at("t").get<std::int64_t>();
  if (in.contains("v")) range.waiting = decode_transactions(in.at("v"));
  if (in.contains("p")) range.prepared = decode_transactions(in.at("p"));
  if (in.contains("l")) range.low = decode_start(in.at("l"), width);
  if (in.contains("u")) range.unseen = decode_xid(in.at("u"));
  if (in.contains("d")) range.due = decode_xid(in.at("d"));
  if (in.contains("a")) range.at = decode_values(in.at("a"), width, width);
  return range;
}

std::string_view way_text(PostgresPosition::Way way) {
  switch (way) {
    case PostgresPosition::Way::None:
      return "";
    case PostgresPosition::Way::Reread:
      return "r";
    case PostgresPosition::Way::Hold:
      return "h";
  }
  return "";
}

PostgresPosition::Way decode_way(const json& in) {
  const auto text = in.get<std::string>();
  for (const auto way : {PostgresPosition::Way::Reread, PostgresPosition::Way::Hold}) {
    if (text == way_text(way)) return way;
  }
  throw bad("an unknown way of the fence");
}

}  // namespace

std::string encode(const PostgresPosition& position) {
  json out = {{"v", kVersion}, {"id", position.identity}, {"k", position.key}, {"x", position.xmax}};
  if (position.cursor) out["c"] = encode_start(*position.cursor);
  if (position.safe) out["s"] = encode_value(*position.safe);
  if (position.delivered) {
    out["d"] = {{"c", encode_values(position.delivered->up_to)}, {"x", position.delivered->xid}};
  }
  if (position.clock) {
    out["t"] = {position.clock->wall_us, position.clock->ours_us, position.clock->boot};
  }
  if (!position.fence.ranges().empty()) {
    out["w"] = way_text(position.way);
    out["b"] = position.fence.boot();
    json& ranges = out["o"] = json::array();
    for (const OpenRange& range : position.fence.ranges()) ranges.push_back(encode_range(range));
  }
  return out.dump();
}

PostgresPosition decode_postgres_position(std::string_view text) {
  PostgresPosition position;
  if (text.empty()) return position;
  try {
    const json in = json::parse(text);
    const int version = in.at("v").get<int>();
    if (version != kVersion) throw bad(fmt::format("version {} where {} is known", version, kVersion));
    position.identity = in.at("id").get<std::string>();
    position.key = in.at("k").get<std::vector<std::string>>();
    position.xmax = decode_xid(in.at("x"));
    const std::size_t width = position.key.size();
    if (in.contains("c")) position.cursor = decode_start(in.at("c"), width);
    if (in.contains("s")) position.safe = decode_value(in.at("s"));
    if (in.contains("d")) {
      const json& delivered = in.at("d");
      position.delivered.emplace(PostgresPosition::Delivered{decode_values(delivered.at("c"), width, width),
                                                             decode_xid(delivered.at("x"))});
    }
    if (in.contains("t")) {
      const json& clock = in.at("t");
      position.clock.emplace(ClockReading{clock.at(0).get<std::int64_t>(), clock.at(1).get<std::int64_t>(),
                                          clock.at(2).get<std::string>()});
    }
    if (in.contains("o")) {
      position.way = decode_way(in.at("w"));
      std::vector<OpenRange> ranges;
      for (const json& range : in.at("o")) ranges.push_back(decode_range(range, width));
      position.fence = Fence(std::move(ranges), in.at("b").get<std::string>());
    }
  } catch (const json::exception& error) {
    throw bad(error.what());
  }
  return position;
}

}  // namespace syncd::jobs
