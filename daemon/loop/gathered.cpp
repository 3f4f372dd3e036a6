#include "daemon/loop/gathered.hpp"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "daemon/base/error.hpp"

namespace syncd::loop {
namespace {

int make_epoll() {
  const int fd = ::epoll_create1(EPOLL_CLOEXEC);
  if (fd < 0) throw Error(ErrorKind::Transient, std::string("epoll: ") + std::strerror(errno));
  return fd;
}

}  // namespace

Gathered::Gathered(EventLoop& loop, Ready ready)
    : loop_(loop), ready_(std::move(ready)), epoll_(make_epoll()), last_(loop.now() - kPause) {
  any_.emplace(loop, epoll_, [this](bool, bool) { woken(); });
  any_->watch(true, false);
}

Gathered::~Gathered() {
  if (slot_) loop_.disarm(*slot_);
  any_.reset();
  ::close(epoll_);
}

void Gathered::watch(int fd, bool readable, bool writable) {
  epoll_event event{};
  event.events = (readable ? EPOLLIN : 0U) | (writable ? EPOLLOUT : 0U);
  event.data.fd = fd;
  const auto known = watched_.find(fd);
  if (known == watched_.end() ? event.events == 0 : known->second == event.events) return;
  int what = EPOLL_CTL_MOD;
  if (known == watched_.end()) what = EPOLL_CTL_ADD;
  if (event.events == 0) what = EPOLL_CTL_DEL;
  if (::epoll_ctl(epoll_, what, fd, &event) != 0 && what != EPOLL_CTL_DEL) {
    throw Error(ErrorKind::Transient, std::string("watching a descriptor: ") + std::strerror(errno));
  }
  if (event.events == 0) {
    watched_.erase(known);
  } else {
    watched_[fd] = event.events;
  }
}

Gathered::Seen Gathered::look() {
  std::array<epoll_event, 64> events;
  const int count = ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 0);
  bool much = count == static_cast<int>(events.size());
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<std::size_t>(i)];
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    // One that was served before it may have closed this one.
    if (!watched_.contains(event.data.fd)) continue;
    much |= ready_(event.data.fd, broken || (event.events & EPOLLIN) != 0,
                   broken || (event.events & EPOLLOUT) != 0);
  }
  return {count > 0, much};
}

void Gathered::woken() {
  const bool much = look().much;
  const TimePoint now = loop_.now();
  const bool busy = now - std::exchange(last_, now) < kPause;
  if (!busy || much) return;
  any_->watch(false, false);
  pause(kPause);
}

void Gathered::due() {
  slot_.reset();
  const Seen seen = look();
  last_ = loop_.now();
  if (seen.anything) {
    pause(seen.much ? Duration(0) : kPause);
  } else {
    any_->watch(true, false);
  }
}

void Gathered::pause(Duration how_long) { slot_ = loop_.arm(loop_.now() + how_long, *this); }

}  // namespace syncd::loop
