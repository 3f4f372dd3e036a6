// Tmux: a terminal of its own, as a person sees it: what is on it, which keys are pressed, its size.
#pragma once
#include <string>
#include <vector>

#include "tests/support/temp_dir.hpp"

namespace syncd::test {

class Tmux {
 public:
  // A terminal of that size on which a shell without a prompt's surprises runs ("$ "), with `path` in front
  // of its PATH.
  Tmux(int width, int height, const std::string& path);
  ~Tmux();
  Tmux(const Tmux&) = delete;
  Tmux& operator=(const Tmux&) = delete;

  // Types it, as it is.
  void type(const std::string& text) const;
  // By tmux's names: Enter, Escape, Up, F6, C-c, C-z.
  void press(const std::string& key) const;
  void resize(int width, int height) const;

  // All lines, from the top, without colours; blanks at their ends are not there.
  std::vector<std::string> lines() const;
  std::string text() const;
  bool shows(const std::string& part) const { return text().find(part) != std::string::npos; }
  bool cursor_shown() const;

 private:
  std::string run(std::vector<std::string> arguments) const;

  TempDir folder_;
};

}  // namespace syncd::test
