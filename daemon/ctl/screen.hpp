// Screen: the whole terminal for a while: the alternate screen, keys one by one, its size.  The terminal is
// left as it was found, however the program ends but by SIGKILL.
#pragma once
#include <termios.h>

#include <chrono>
#include <string>
#include <vector>

#include "daemon/ctl/keys.hpp"

namespace syncd::ctl {

class Screen {
 public:
  // Throws Failure where stdin and stdout are no terminal that can do this.
  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  std::size_t width() const noexcept { return width_; }
  std::size_t height() const noexcept { return height_; }

  // Shows these lines from the top; what is below them is blank.  Only what has changed is written.
  void draw(const std::vector<std::string>& lines);

  struct Event {
    std::vector<Press> presses;
    bool resized = false;  // draw() anew
    bool leave = false;    // a signal asks for it, or the terminal is gone
  };
  // Until something happens or the time is over.  A Ctrl-Z is dealt with here.
  Event wait(std::chrono::milliseconds time);

 private:
  void enter();
  void leave() noexcept;
  void suspend();
  void measure();

  termios before_{};
  int signals_ = -1;
  std::size_t width_ = 80;
  std::size_t height_ = 24;
  std::vector<std::string> shown_;
};

}  // namespace syncd::ctl
