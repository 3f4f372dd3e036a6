// What a source knows about its files: ListFiles.
#include "daemon/control/handlers.hpp"

namespace syncd::control {
namespace {

Json to_json(const FileState& file) {
  Json json = Json::object();
  json["file"] = file.file;
  json["now"] = file.now;
  json["identity"] = file.identity;
  json["offset"] = file.offset;
  json["size"] = file.size;
  json["lag_bytes"] = nullptr;
  if (file.lag_bytes) json["lag_bytes"] = *file.lag_bytes;
  json["lag_us"] = nullptr;
  if (file.lag) json["lag_us"] = static_cast<std::uint64_t>(file.lag->count());
  json["state"] = file.state;
  json["truncated"] = file.truncated;
  json["split"] = file.split;
  json["skipped"] = file.skipped;
  return json;
}

}  // namespace

coro::Task<Json> list_files(Request& request) {
  const Parameters from(request.parameters, {"job", "limit"});
  const std::uint64_t limit = from.count("limit", 1000, 1, 1000);
  const std::vector<FileState> files = co_await request.operations.files(from.text("job"));
  Json json = Json::object();
  json["total"] = files.size();
  json["files"] = Json::array();
  for (std::size_t i = 0; i < files.size() && i < limit; ++i) json["files"].push_back(to_json(files[i]));
  co_return json;
}

}  // namespace syncd::control
