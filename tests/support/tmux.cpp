#include "tests/support/tmux.hpp"

#include <sstream>
#include <stdexcept>

#include "tests/support/process.hpp"

namespace syncd::test {

Tmux::Tmux(int width, int height, const std::string& path) {
  run({"new-session", "-d", "-x", std::to_string(width), "-y", std::to_string(height), "env", "PS1=$ ",
       "PATH=" + path + ":/usr/bin:/bin", "LC_ALL=C.UTF-8", "bash", "--norc", "--noprofile", "-i"});
  run({"set-option", "-g", "status", "off"});
  run({"set-option", "-g", "window-size", "manual"});
  resize(width, height);
}

Tmux::~Tmux() { run_program({"tmux", "-S", folder_ / "socket", "kill-server"}); }

std::string Tmux::run(std::vector<std::string> arguments) const {
  arguments.insert(arguments.begin(), {"tmux", "-u", "-f", "/dev/null", "-S", folder_ / "socket"});
  ProcessOptions options;
  options.env["TMUX"] = "";
  Finished finished = run_program(std::move(arguments), options);
  if (finished.code != 0) throw std::runtime_error("tmux: " + finished.err);
  return finished.out;
}

void Tmux::type(const std::string& text) const { run({"send-keys", "-l", text}); }
void Tmux::press(const std::string& key) const { run({"send-keys", key}); }
void Tmux::resize(int width, int height) const {
  run({"resize-window", "-x", std::to_string(width), "-y", std::to_string(height)});
}

std::string Tmux::text() const { return run({"capture-pane", "-p"}); }

std::vector<std::string> Tmux::lines() const {
  std::vector<std::string> all;
  std::istringstream in(text());
  for (std::string line; std::getline(in, line);) all.push_back(std::move(line));
  return all;
}

bool Tmux::cursor_shown() const { return run({"display-message", "-p", "#{cursor_flag}"}) == "1\n"; }

}  // namespace syncd::test
