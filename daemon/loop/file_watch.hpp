// FileWatch: says that something has happened in a folder: inotify.  It may say too much, and not everything
// on file systems that others change as well; after an overflow it says that nobody knows.  Loop thread only.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "daemon/loop/readiness.hpp"

namespace syncd::loop {

class FileWatch {
 public:
  struct Changes {
    std::set<std::string> written;  // paths of files
    bool names = false;             // something came, went or was renamed, or nobody knows what happened
  };

  // `changed` is called on the loop whenever take() has something new.
  FileWatch(EventLoop& loop, std::function<void()> changed);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // Watches these folders, and no others any more; a new one counts as a change.  Returns those that cannot
  // be watched.
  std::set<std::string> watch(const std::set<std::string>& folders);
  Changes take() { return std::exchange(changes_, Changes()); }

 private:
  void read_events();
  void note(int watch, std::uint32_t what, const char* name);
  void unwatch(const std::string& folder);

  std::function<void()> changed_;
  int fd_ = -1;  // -1: the system has no more of them; nothing can be watched
  std::optional<Readiness> readiness_;
  std::map<std::string, int> watches_;
  std::map<int, std::set<std::string>> folders_;  // by watch: a folder may be reached by several paths
  Changes changes_;
};

}  // namespace syncd::loop
