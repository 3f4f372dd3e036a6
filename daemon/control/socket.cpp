#include "daemon/control/socket.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "daemon/base/error.hpp"
#include "daemon/base/escape.hpp"
#include "daemon/base/log.hpp"

namespace syncd::control {
namespace {

constexpr int kBacklog = 64;

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw Error(ErrorKind::Permanent, fmt::format("control socket {}: {}", escaped(path), why));
}

std::string in_use_text(const std::string& path, const std::string& how) {
  return fmt::format("control socket {}: {}; stop that one, or give this one another [control] socket",
                     escaped(path), how);
}

std::optional<gid_t> gid_of(const std::string& group) {
  std::vector<char> buffer(16 * 1024);
  struct group entry {};
  struct group* found = nullptr;
  while (::getgrnam_r(group.c_str(), &entry, buffer.data(), buffer.size(), &found) == ERANGE &&
         buffer.size() < 16 * 1024 * 1024) {
    buffer.resize(buffer.size() * 2);
  }
  if (!found) return std::nullopt;
  return found->gr_gid;
}

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    refuse(path, fmt::format("the path has {} characters; a socket's path may have 1 to {}", path.size(),
                             sizeof(address.sun_path) - 1));
  }
  path.copy(address.sun_path, path.size());
  return address;
}

}  // namespace

void ControlSocket::Descriptor::reset(int fd) noexcept {
  const int old = std::exchange(fd_, fd);
  if (old >= 0) ::close(old);
}

int ControlSocket::Descriptor::release() noexcept { return std::exchange(fd_, -1); }

ControlSocket::ControlSocket(std::string path, const std::string& group) : path_(std::move(path)) {
  address_of(path_);
  take_lock();
  clear_path();
  bind_and_listen(group);
}

ControlSocket::ControlSocket(int inherited) { fd_.reset(inherited); }

ControlSocket::~ControlSocket() {
  if (!bound_) return;
  struct stat now {};
  if (::lstat(path_.c_str(), &now) == 0 && std::pair(now.st_dev, now.st_ino) == *bound_) {
    ::unlink(path_.c_str());
  }
}

int ControlSocket::release() noexcept { return fd_.release(); }

void ControlSocket::take_lock() {
  const std::string file = path_ + ".lock";
  lock_.reset(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock_.get() < 0) {
    if (errno == ENOENT) refuse(path_, "its directory does not exist; make it, or change [control] socket");
    refuse(path_, fmt::format("opening {}.lock: {}", escaped(path_), std::strerror(errno)));
  }
  if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    if (error != EWOULDBLOCK) refuse(path_, fmt::format("locking: {}", std::strerror(error)));
    std::array<char, 32> holder{};
    const ssize_t length = ::pread(lock_.get(), holder.data(), holder.size() - 1, 0);
    const std::string pid(holder.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
    throw InUse(
        in_use_text(path_, fmt::format("held by another syncd, pid {}",
                                       pid.empty() ? "unknown" : escaped(pid.substr(0, pid.find('\n'))))));
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  if (::ftruncate(lock_.get(), 0) != 0 ||
      ::pwrite(lock_.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    refuse(path_, fmt::format("writing {}.lock: {}", escaped(path_), std::strerror(errno)));
  }
}

// We hold the lock: a socket that nobody answers on is a dead daemon's.
void ControlSocket::clear_path() {
  struct stat found {};
  if (::lstat(path_.c_str(), &found) != 0) {
    if (errno == ENOENT) return;
    refuse(path_, std::strerror(errno));
  }
  if (S_ISLNK(found.st_mode)) refuse(path_, "is a symbolic link; remove it, or name what it points to");
  if (!S_ISSOCK(found.st_mode)) refuse(path_, "exists and is not a socket; remove it, or name another path");
  const sockaddr_un address = address_of(path_);
  Descriptor probe;
  probe.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const bool answered =
      ::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ||
      errno == EAGAIN;
  if (answered) throw InUse(in_use_text(path_, "another process listens on it"));
  if (::unlink(path_.c_str()) != 0) {
    refuse(path_, fmt::format("removing the stale socket: {}", std::strerror(errno)));
  }
}

void ControlSocket::bind_and_listen(const std::string& group) {
  const sockaddr_un address = address_of(path_);
  fd_.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  // The mode before bind() is the mode it is born with: nobody slips in before the group is set, and
  // no process-wide umask is changed under the feet of other threads.
  if (fd_.get() < 0 || ::fchmod(fd_.get(), 0600) != 0 ||
      ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
    refuse(path_, fmt::format("binding: {}", std::strerror(errno)));
  }
  struct stat made {};
  if (::lstat(path_.c_str(), &made) == 0) bound_.emplace(made.st_dev, made.st_ino);
  give_to(group);
  if (::chmod(path_.c_str(), 0660) != 0 || ::listen(fd_.get(), kBacklog) != 0) {
    const int error = errno;
    ::unlink(path_.c_str());
    refuse(path_, fmt::format("listening: {}", std::strerror(error)));
  }
}

// Neither failure lets anybody in: the socket is then the daemon's own group's, and Access still asks.
void ControlSocket::give_to(const std::string& group) const {
  if (group.empty()) return;
  const auto gid = gid_of(group);
  if (!gid) return;  // Access says so
  if (::lchown(path_.c_str(), static_cast<uid_t>(-1), *gid) != 0) {
    log::warn("", "control socket {}: giving it to group '{}': {}; its members cannot reach it", path_, group,
              std::strerror(errno));
  }
}

Peer peer_of(int fd) {
  ucred credentials{};
  socklen_t length = sizeof(credentials);
  if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0) {
    throw Error(ErrorKind::Transient,
                fmt::format("asking for the peer's credentials: {}", std::strerror(errno)));
  }
  Peer peer;
  peer.uid = credentials.uid;
  peer.pid = credentials.pid;
  std::vector<gid_t> groups(64);
  length = static_cast<socklen_t>(groups.size() * sizeof(gid_t));
  int status = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
  if (status != 0 && errno == ERANGE) {
    groups.resize(length / sizeof(gid_t));
    status = ::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups.data(), &length);
  }
  // Without the supplementary groups the primary one still counts.
  groups.resize(status == 0 ? length / sizeof(gid_t) : 0);
  peer.groups = std::move(groups);
  peer.groups.push_back(credentials.gid);
  return peer;
}

Access::Access(std::string group, uid_t own_uid) : group_(std::move(group)), own_uid_(own_uid) {
  if (group_.empty()) return;
  gid_ = gid_of(group_);
  if (!gid_) {
    log::warn("", "[control] group: there is no group '{}'; only root and uid {} may operate", group_,
              own_uid_);
  }
}

Role Access::role_of(const Peer& peer) const {
  if (peer.uid == 0 || peer.uid == own_uid_) return Role::Operate;
  if (gid_ && std::find(peer.groups.begin(), peer.groups.end(), *gid_) != peer.groups.end())
    return Role::Operate;
  return Role::None;
}

std::string Access::refusal(const Peer& peer) const {
  if (group_.empty()) {
    return fmt::format(
        "uid {} may not talk to this daemon; only root and uid {} may ([control] group names no group)",
        peer.uid, own_uid_);
  }
  return fmt::format("uid {} is not a member of group '{}'; add it (usermod -aG {} NAME) and log in again",
                     peer.uid, escaped(group_), escaped(group_));
}

}  // namespace syncd::control
