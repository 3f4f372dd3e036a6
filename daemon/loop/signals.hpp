// Unix signals as calls on the loop's thread.
#pragma once
#include <functional>
#include <initializer_list>
#include <memory>
#include <vector>

#include "daemon/loop/event_loop.hpp"

namespace syncd::loop {

class Signals {
 public:
  // `handle(signal)` is called on the loop, for each of `numbers`, until this goes.  From then on they are
  // ignored: one that comes when everything has ended already must not make a failure of it.
  Signals(EventLoop& loop, std::initializer_list<int> numbers, std::function<void(int)> handle);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

 private:
  struct Handle;
  std::shared_ptr<std::function<void(int)>> handle_;
  std::vector<Handle*> handles_;  // each owns itself until libuv's close callback
};

}  // namespace syncd::loop
