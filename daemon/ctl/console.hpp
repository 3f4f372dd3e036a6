// Console: what syncctl knows of the terminal it talks on, if there is one.
#pragma once
#include <string>

#include "daemon/ctl/render.hpp"

namespace syncd::ctl {

class Console {
 public:
  Console();

  // For what goes to stdout: colours and a width only where that is a terminal, and NO_COLOR is obeyed.
  const Look& look() const noexcept { return look_; }

  // To stdout.
  void print(const std::string& text) const;
  void print(const control::Json& object) const;  // one line
  // A line on stderr that the next one replaces; nothing where stderr is no terminal.
  void progress(const std::string& line);
  void end_progress();

  // Asks on the terminal; throws Failure where the answer is no, and where nobody can be asked.
  void confirm(const std::string& question) const;
  // Throws Failure where stdout could not be written.
  void flush() const;

 private:
  Look look_;
  bool progress_ = false;  // stderr is a terminal
  bool shown_ = false;
};

}  // namespace syncd::ctl
