// The varlink protocol of the control socket: frames, calls, replies, the interface text and the JSON form
// of a status.  Pure: no sockets here; the daemon and syncctl share it.  docs/control-protocol.md.
#pragma once
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "daemon/status/job_status.hpp"

namespace syncd::control {

using Json = nlohmann::json;

inline constexpr std::string_view kInterface = "io.syncd.Manager";
inline constexpr std::string_view kServiceInterface = "org.varlink.service";
inline constexpr std::size_t kMaxCall = 1024 * 1024;         // bytes of one call
inline constexpr std::size_t kMaxReply = 256 * 1024 * 1024;  // bytes of one reply that a client takes
inline constexpr int kMaxDepth = 32;                         // of nested objects and arrays in a call

namespace errors {
inline constexpr std::string_view kNoSuchJob = "io.syncd.Manager.NoSuchJob";
inline constexpr std::string_view kBusy = "io.syncd.Manager.Busy";
inline constexpr std::string_view kNotPermitted = "io.syncd.Manager.NotPermitted";
inline constexpr std::string_view kFailed = "io.syncd.Manager.Failed";
inline constexpr std::string_view kInvalidConfiguration = "io.syncd.Manager.InvalidConfiguration";
inline constexpr std::string_view kBadCall = "io.syncd.Manager.BadCall";
inline constexpr std::string_view kInvalidParameter = "org.varlink.service.InvalidParameter";
inline constexpr std::string_view kMethodNotFound = "org.varlink.service.MethodNotFound";
inline constexpr std::string_view kInterfaceNotFound = "org.varlink.service.InterfaceNotFound";
inline constexpr std::string_view kExpectedMore = "org.varlink.service.ExpectedMore";
}  // namespace errors

// What arrived is not the protocol.  The text is for the peer.
class ProtocolError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Cuts a byte stream into frames (text + NUL).  The frames, and the point of a failure, are the same
// however the bytes were chunked.
class Framer {
 public:
  explicit Framer(std::size_t max_frame) : max_frame_(max_frame) {}

  void feed(std::string_view bytes);
  // The next whole frame, without its NUL.  Throws ProtocolError when the frame that is next is longer
  // than allowed or cannot be a JSON object; the stream is of no more use then, and every later call throws
  // too.
  std::optional<std::string> next();
  // A frame was begun and has not ended.
  bool partial() const noexcept { return begin_ < buffer_.size(); }

 private:
  const std::size_t max_frame_;
  std::string buffer_;
  std::size_t begin_ = 0;    // of the next frame
  std::size_t scanned_ = 0;  // no NUL before here
};

struct Call {
  std::string method;
  Json parameters = Json::object();
  bool more = false;
  bool oneway = false;
};

struct Reply {
  std::string error;  // "" for success
  Json parameters = Json::object();
  bool continues = false;
};

// Throw ProtocolError: not JSON, too deep, not an object, a member of the wrong type.
Call parse_call(const std::string& frame);
Reply parse_reply(const std::string& frame);

// With the NUL.  Bytes that are not UTF-8 become U+FFFD.
std::string to_frame(const Call& call);
std::string to_frame(const Reply& reply);

// "io.syncd.Manager.Run" -> {"io.syncd.Manager", "Run"}; an empty interface where there is no dot.
std::pair<std::string_view, std::string_view> split_method(std::string_view method);

// The text of io.syncd.Manager and of org.varlink.service; "" for any other name.
std::string_view interface_description(std::string_view interface);

// Times are microseconds since 1970, durations microseconds, sizes bytes; what is not known is null.
Json to_json(const status::JobStatus& status);
// Members that are missing or of another type keep their default: a newer daemon stays readable.
status::JobStatus job_status_from_json(const Json& json);

std::int64_t to_us(WallTime time);
Json to_us(const std::optional<WallTime>& time);
std::optional<WallTime> wall_time_from_json(const Json& json);

}  // namespace syncd::control
