// The control socket in the file system, and who may talk on it.  A lock file next to it decides who owns
// the path, before a stale socket is removed: two daemons never steal it from each other.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

namespace syncd::control {

class ControlSocket {
 public:
  // Binds and listens at `path`, mode 0660, given to `group` unless that is empty.  PATH.lock is taken
  // first.  Throws a Permanent error: held by another daemon (names its pid), a symbolic link or something
  // else that is not a socket, no such directory, no right to it.  A group that does not exist, or that may
  // not be given, is a warning: nobody but root and the daemon's own user gets in then.
  ControlSocket(std::string path, const std::string& group);
  // Takes over a socket that systemd made and listens on; it is not removed in the end.
  explicit ControlSocket(int inherited);
  ~ControlSocket();  // removes the socket if it is still ours
  ControlSocket(const ControlSocket&) = delete;
  ControlSocket& operator=(const ControlSocket&) = delete;

  const std::string& path() const noexcept { return path_; }  // "" for an inherited one
  // The listening descriptor; the caller owns it from now on.  Once.
  int release() noexcept;

 private:
  class Descriptor {
   public:
    Descriptor() = default;
    ~Descriptor() { reset(-1); }
    Descriptor(const Descriptor&) = delete;
    Descriptor& operator=(const Descriptor&) = delete;
    void reset(int fd) noexcept;
    int get() const noexcept { return fd_; }
    int release() noexcept;

   private:
    int fd_ = -1;
  };
  void take_lock();
  void clear_path();
  void bind_and_listen(const std::string& group);
  void give_to(const std::string& group) const;

  std::string path_;
  Descriptor lock_;  // before fd_: it goes last
  Descriptor fd_;
  std::optional<std::pair<dev_t, ino_t>> bound_;
};

// Who is at the other end.
struct Peer {
  uid_t uid = 0;
  pid_t pid = 0;
  std::vector<gid_t> groups;  // primary and supplementary, as they were at connect()
};

// Throws a Transient error where the system does not tell.
Peer peer_of(int fd);

enum class Role { None, Operate };

class Access {
 public:
  // root, `own_uid` and the members of `group` may operate; nobody else may do anything.  An empty group
  // has no members; one that does not exist has none either, and is warned about.
  Access(std::string group, uid_t own_uid);

  Role role_of(const Peer& peer) const;
  const std::string& group() const noexcept { return group_; }
  // What a refused peer is told.
  std::string refusal(const Peer& peer) const;

 private:
  std::string group_;
  std::optional<gid_t> gid_;
  uid_t own_uid_;
};

}  // namespace syncd::control
