// What can be said about the command line from its own declaration: the manual page and the completions.
#pragma once
#include <string>

namespace CLI {
class App;
}

namespace syncd::ctl {

// syncctl(1) in the language of scdoc(5).
std::string manual(const CLI::App& cli);

// A completion script for "bash", "zsh" or "fish": verbs, options, and the names of the daemon's jobs.
std::string completion(const CLI::App& cli, const std::string& shell);

}  // namespace syncd::ctl
