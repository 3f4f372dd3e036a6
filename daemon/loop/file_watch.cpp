#include "daemon/loop/file_watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <vector>

namespace syncd::loop {
namespace {

constexpr std::uint32_t kNames =
    IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | IN_MOVE_SELF | IN_ATTRIB;
constexpr std::uint32_t kInteresting = kNames | IN_MODIFY | IN_ONLYDIR | IN_EXCL_UNLINK;

}  // namespace

FileWatch::FileWatch(EventLoop& loop, std::function<void()> changed)
    : changed_(std::move(changed)), fd_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {
  if (fd_ < 0) return;
  readiness_.emplace(loop, fd_, [this](bool, bool) { read_events(); });
  readiness_->watch(true, false);
}

FileWatch::~FileWatch() {
  readiness_.reset();
  if (fd_ >= 0) ::close(fd_);
}

std::set<std::string> FileWatch::watch(const std::set<std::string>& folders) {
  std::vector<std::string> obsolete;
  for (const auto& [folder, watch] : watches_) {
    if (folders.count(folder) == 0) obsolete.push_back(folder);
  }
  for (const std::string& folder : obsolete) unwatch(folder);
  std::set<std::string> failed;
  bool more = false;
  for (const std::string& folder : folders) {
    if (watches_.count(folder) != 0) continue;
    const int watch = fd_ < 0 ? -1 : ::inotify_add_watch(fd_, folder.c_str(), kInteresting);
    if (watch < 0) {
      failed.insert(folder);
      continue;
    }
    watches_[folder] = watch;
    folders_[watch].insert(folder);
    more = true;
  }
  // What came before the watch did had no event.
  if (more) {
    changes_.names = true;
    changed_();
  }
  return failed;
}

void FileWatch::unwatch(const std::string& folder) {
  const auto found = watches_.find(folder);
  auto& paths = folders_[found->second];
  paths.erase(folder);
  if (paths.empty()) {
    ::inotify_rm_watch(fd_, found->second);
    folders_.erase(found->second);
  }
  watches_.erase(found);
}

// One buffer a turn: where there is more the loop calls again.
void FileWatch::read_events() {
  alignas(inotify_event) std::array<char, 16 * 1024> buffer;
  const ssize_t size = ::read(fd_, buffer.data(), buffer.size());
  for (ssize_t at = 0; at < size;) {
    const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
    note(event->wd, event->mask, event->len > 0 ? event->name : "");
    at += static_cast<ssize_t>(sizeof(inotify_event) + event->len);
  }
  if (changes_.names || !changes_.written.empty()) changed_();
}

void FileWatch::note(int watch, std::uint32_t what, const char* name) {
  if ((what & (kNames | IN_Q_OVERFLOW)) != 0) changes_.names = true;
  const auto found = folders_.find(watch);
  if (found == folders_.end()) return;
  if ((what & IN_MOVE_SELF) != 0)
    ::inotify_rm_watch(fd_, watch);                 // it goes with the folder, not with its name
  if ((what & (IN_MOVE_SELF | IN_IGNORED)) != 0) {  // the folder is gone, and another one may take its name
    for (const std::string& folder : found->second) watches_.erase(folder);
    folders_.erase(found);
    changes_.names = true;
    return;
  }
  if ((what & IN_MODIFY) == 0) return;
  for (const std::string& folder : found->second) {
    changes_.written.insert((folder == "/" ? "" : folder) + "/" + name);
  }
}

}  // namespace syncd::loop
