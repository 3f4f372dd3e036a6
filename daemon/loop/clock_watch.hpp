// ClockWatch: notices at once that the wall clock was set, or that the machine has slept.
#pragma once
#include <functional>
#include <memory>

#include "daemon/loop/readiness.hpp"

namespace syncd::loop {

class ClockWatch {
 public:
  // `stepped` is called on the loop, until this goes.  Where the system does not tell, it never is.
  ClockWatch(EventLoop& loop, std::function<void()> stepped);
  ~ClockWatch();
  ClockWatch(const ClockWatch&) = delete;
  ClockWatch& operator=(const ClockWatch&) = delete;

 private:
  void arm() const;
  void heard();

  std::function<void()> stepped_;
  int timer_;
  std::unique_ptr<Readiness> readiness_;
};

}  // namespace syncd::loop
