#include "daemon/ctl/client.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/base/escape.hpp"
#include "daemon/ctl/members.hpp"

namespace syncd::ctl {
namespace {

// Of the socket, or of its directory where that is closed to us.
std::string group_of(const std::string& path) {
  struct stat found {};
  const std::string directory = path.substr(0, path.rfind('/'));
  if (::stat(path.c_str(), &found) != 0 && ::stat(directory.c_str(), &found) != 0) return "syncd";
  const struct group* entry = ::getgrgid(found.st_gid);
  return entry ? entry->gr_name : std::to_string(found.st_gid);
}

[[noreturn]] void fail_to_connect(const std::string& path, int error) {
  const std::string shown = escaped(path);
  if (error == EACCES || error == EPERM) {
    const std::string group = escaped(group_of(path));
    throw Failure(kNoPermission,
                  fmt::format("permission denied: {}\n"
                              "  root may, and the members of group '{}': `usermod -aG {} NAME`, "
                              "then log in again",
                              shown, group, group));
  }
  if (error == ENOENT || error == ECONNREFUSED || error == ENOTDIR) {
    throw Failure(kUnavailable,
                  fmt::format("no syncd answers at {} ({})\n"
                              "  start it with `systemctl start syncd`, or `syncd --config FILE` in "
                              "the foreground\n"
                              "  or name another socket: --socket PATH, SYNCD_SOCKET=PATH",
                              shown, std::strerror(error)));
  }
  throw Failure(kUnavailable, fmt::format("{}: {}", shown, std::strerror(error)));
}

[[noreturn]] void fail_with(const control::Reply& reply) {
  namespace errors = control::errors;
  const Json& given = reply.parameters;
  const std::string reason = text_of(given, "reason");
  if (reply.error == errors::kNoSuchJob) {
    const std::string near = text_of(given, "did_you_mean");
    throw Failure(kNoInput,
                  fmt::format("no job '{}'; {}", text_of(given, "name"),
                              near.empty() ? "`syncctl status` lists them" : "did you mean '" + near + "'?"));
  }
  if (reply.error == errors::kBusy) throw Failure(kBusy, reason);
  if (reply.error == errors::kNotPermitted) throw Failure(kNoPermission, "permission denied: " + reason);
  if (reply.error == errors::kInvalidConfiguration) throw InvalidConfiguration(list_of(given, "findings"));
  if (reply.error == errors::kFailed) throw Failure(kFailed, reason);
  if (reply.error == errors::kInvalidParameter) throw Failure(kUsage, reason);
  if (reply.error == errors::kMethodNotFound) {
    throw Failure(kFailed,
                  "this daemon does not know " + text_of(given, "method") + "; is it older than syncctl?");
  }
  throw Failure(kFailed, fmt::format("{}: {}", escaped(reply.error), reason));
}

}  // namespace

Client::Client(std::string path) : path_(std::move(path)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.empty() || path_.size() >= sizeof(address.sun_path)) fail_to_connect(path_, ENAMETOOLONG);
  path_.copy(address.sun_path, path_.size());
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd_ < 0) fail_to_connect(path_, errno);
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    const int error = errno;
    ::close(fd_);
    fail_to_connect(path_, error);
  }
}

Client::~Client() { ::close(fd_); }

// A failure to write is not the end: a daemon that refuses us has said why before it closed.
void Client::send(const std::string& frame) {
  std::size_t sent = 0;
  while (sent < frame.size()) {
    const ssize_t count = ::send(fd_, frame.data() + sent, frame.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

control::Reply Client::receive(std::optional<std::chrono::seconds> patience) {
  std::array<char, 16 * 1024> buffer;
  while (true) {
    try {
      if (const auto frame = framer_.next()) return control::parse_reply(*frame);
    } catch (const control::ProtocolError& e) {
      throw Failure(kUnavailable,
                    fmt::format("{}: this is not syncd: {}", escaped(path_), escaped(e.what())));
    }
    pollfd waiting{fd_, POLLIN, 0};
    const int ready = ::poll(&waiting, 1, patience ? static_cast<int>(patience->count()) * 1000 : -1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready == 0) {
      throw Failure(kUnavailable,
                    fmt::format("{}: the daemon does not answer within {} s; `systemctl status syncd`",
                                escaped(path_), patience->count()));
    }
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      throw Failure(kUnavailable,
                    fmt::format("{}: the daemon closed the connection; `systemctl status syncd` tells "
                                "whether it still runs",
                                escaped(path_)));
    }
    framer_.feed({buffer.data(), static_cast<std::size_t>(count)});
  }
}

Json Client::call(const std::string& method, Json parameters, std::optional<std::chrono::seconds> patience,
                  const std::function<void(const Json&)>& each) {
  control::Call call;
  call.method = control::kInterface;
  call.method += "." + method;
  call.parameters = std::move(parameters);
  call.more = each != nullptr;
  send(to_frame(call));
  while (true) {
    control::Reply reply = receive(patience);
    if (!reply.error.empty()) fail_with(reply);
    if (!reply.continues) return std::move(reply.parameters);
    if (each) each(reply.parameters);
  }
}

}  // namespace syncd::ctl
