#include "jobs/sources/postgres_position.hpp"

#include <nlohmann/json.hpp>

#include "daemon/base/error.hpp"

namespace syncd::jobs {
namespace {

using nlohmann::json;
constexpr int kVersion = 1;

json encode_range(const OpenRange& range) {
  json out = {{"h", range.high}, {"v", range.waiting}, {"x", range.xmin}, {"t", range.since_us}};
  if (range.low) out["l"] = *range.low;
  if (range.prepared) out["p"] = *range.prepared;
  if (range.at) out["a"] = *range.at;
  return out;
}

OpenRange decode_range(const json& in) {
  OpenRange range;
  range.high = in.at("h").get<std::string>();
  range.waiting = in.at("v").get<std::set<std::string>>();
  range.xmin = in.at("x").get<std::uint64_t>();
  range.since_us = in.at("t").get<std::int64_t>();
  if (in.contains("l")) range.low = in.at("l").get<CursorValues>();
  if (in.contains("p")) range.prepared = in.at("p").get<std::set<std::string>>();
  if (in.contains("a")) range.at = in.at("a").get<CursorValues>();
  return range;
}

}  // namespace

std::string encode(const PostgresPosition& position) {
  json out = {{"v", kVersion}, {"id", position.identity}, {"x", position.xmax}};
  if (position.cursor) out["c"] = *position.cursor;
  if (position.safe) out["s"] = *position.safe;
  if (!position.fence.ranges().empty()) {
    out["b"] = position.fence.boot();
    json& ranges = out["o"] = json::array();
    for (const OpenRange& range : position.fence.ranges()) ranges.push_back(encode_range(range));
  }
  // A text cursor may hold bytes that are no UTF-8 only if the server lies about its encoding.
  return out.dump(-1, ' ', false, json::error_handler_t::replace);
}

PostgresPosition decode_postgres_position(std::string_view text) {
  PostgresPosition position;
  if (text.empty()) return position;
  try {
    const json in = json::parse(text);
    const int version = in.at("v").get<int>();
    if (version != kVersion) {
      throw Error(ErrorKind::Permanent, "the position has version " + std::to_string(version) +
                                            ", this syncd reads version " + std::to_string(kVersion));
    }
    position.identity = in.at("id").get<std::string>();
    position.xmax = in.at("x").get<std::uint64_t>();
    if (in.contains("c")) position.cursor = in.at("c").get<CursorValues>();
    if (in.contains("s")) position.safe = in.at("s").get<std::string>();
    if (in.contains("o")) {
      std::vector<OpenRange> ranges;
      for (const json& range : in.at("o")) ranges.push_back(decode_range(range));
      position.fence = Fence(std::move(ranges), in.at("b").get<std::string>());
    }
  } catch (const json::exception& error) {
    throw Error(ErrorKind::Permanent, std::string("the position cannot be read: ") + error.what());
  }
  return position;
}

}  // namespace syncd::jobs
