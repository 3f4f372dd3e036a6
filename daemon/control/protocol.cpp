#include "daemon/control/protocol.hpp"

#include <utility>

namespace syncd::control {
namespace {

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json parse_object(const std::string& frame) {
  // The callback sees the depth before anything of that level is stored.
  const auto limit_depth = [](int depth, Json::parse_event_t, Json&) {
    if (depth > kMaxDepth) throw ProtocolError("nested deeper than " + std::to_string(kMaxDepth) + " levels");
    return true;
  };
  Json json;
  try {
    json = Json::parse(frame, limit_depth);
  } catch (const Json::exception& e) {
    throw ProtocolError(std::string("not JSON: ") + e.what());
  }
  if (!json.is_object()) throw ProtocolError(std::string("expected a JSON object, got ") + json.type_name());
  return json;
}

std::string text_member(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return {};
  if (!found->is_string()) throw ProtocolError(std::string("\"") + key + "\" is not a string");
  return found->get<std::string>();
}

bool flag_member(const Json& json, const char* key) {
  const auto found = json.find(key);
  if (found == json.end() || found->is_null()) return false;
  if (!found->is_boolean()) throw ProtocolError(std::string("\"") + key + "\" is not true or false");
  return found->get<bool>();
}

Json parameters_member(const Json& json) {
  const auto found = json.find("parameters");
  if (found == json.end() || found->is_null()) return Json::object();
  if (!found->is_object()) throw ProtocolError("\"parameters\" is not an object");
  return *found;
}

}  // namespace

void Framer::feed(std::string_view bytes) {
  if (begin_ > 0) {
    buffer_.erase(0, begin_);
    scanned_ -= begin_;
    begin_ = 0;
  }
  buffer_.append(bytes);
}

std::optional<std::string> Framer::next() {
  const std::size_t end = buffer_.find('\0', scanned_);
  const std::size_t known = end == std::string::npos ? buffer_.size() : end;
  scanned_ = known;
  // At its first byte: who sends something else would never send the NUL either.
  if (known > begin_ && std::string_view("{ \t\r\n").find(buffer_[begin_]) == std::string_view::npos) {
    throw ProtocolError("a message is a JSON object with a NUL byte after it");
  }
  if (known - begin_ > max_frame_) {
    throw ProtocolError("a message of more than " + std::to_string(max_frame_) + " bytes");
  }
  if (end == std::string::npos) return std::nullopt;
  std::optional<std::string> frame(std::in_place, buffer_, begin_, end - begin_);
  begin_ = scanned_ = end + 1;
  return frame;
}

Call parse_call(const std::string& frame) {
  const Json json = parse_object(frame);
  Call call;
  call.method = text_member(json, "method");
  if (call.method.empty()) throw ProtocolError("\"method\" is missing");
  if (flag_member(json, "upgrade")) throw ProtocolError("\"upgrade\" is not supported");
  call.parameters = parameters_member(json);
  call.more = flag_member(json, "more");
  call.oneway = flag_member(json, "oneway");
  return call;
}

Reply parse_reply(const std::string& frame) {
  const Json json = parse_object(frame);
  Reply reply;
  reply.error = text_member(json, "error");
  reply.parameters = parameters_member(json);
  reply.continues = flag_member(json, "continues");
  return reply;
}

std::string to_frame(const Call& call) {
  Json json = Json::object();
  json["method"] = call.method;
  json["parameters"] = call.parameters;
  if (call.more) json["more"] = true;
  if (call.oneway) json["oneway"] = true;
  return dump(json) + '\0';
}

std::string to_frame(const Reply& reply) {
  Json json = Json::object();
  if (!reply.error.empty()) json["error"] = reply.error;
  json["parameters"] = reply.parameters;
  if (reply.continues) json["continues"] = true;
  return dump(json) + '\0';
}

std::pair<std::string_view, std::string_view> split_method(std::string_view method) {
  const std::size_t dot = method.rfind('.');
  if (dot == std::string_view::npos) return {std::string_view(), method};
  return {method.substr(0, dot), method.substr(dot + 1)};
}

}  // namespace syncd::control
