#include "daemon/ctl/manual.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cctype>
#include <vector>

namespace syncd::ctl {
namespace {

// scdoc(5) reads * and _ as emphasis and a backslash as "literally"; our ` marks code, which man has not.
std::string plain(std::string_view words) {
  std::string out;
  for (const char c : words) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '`') continue;
    if (std::isalnum(byte) == 0 && c != ' ' && c != '\n' && byte < 0x80) out += '\\';
    out += c;
  }
  return out;
}

// One line of the command line: a verb, or the verb of a group ("checkpoint show").
struct Command {
  std::string name;
  const CLI::App* app;
};

void collect(const CLI::App& parent, const std::string& prefix, std::vector<Command>& into) {
  for (const CLI::App* verb : parent.get_subcommands(nullptr)) {
    const std::string name = prefix + verb->get_name();
    if (verb->get_subcommands(nullptr).empty()) {
      into.push_back({name, verb});
    } else {
      collect(*verb, name + ' ', into);
    }
  }
}

std::vector<Command> commands_of(const CLI::App& cli) {
  std::vector<Command> all;
  collect(cli, "", all);
  return all;
}

std::vector<const CLI::Option*> shown_options(const CLI::App& app, bool positional) {
  std::vector<const CLI::Option*> shown;
  for (const CLI::Option* option : app.get_options(nullptr)) {
    const bool help = option == app.get_help_ptr() && app.get_parent() != nullptr;  // goes without saying
    if (option->get_positional() == positional && !option->get_group().empty() && !help) {
      shown.push_back(option);
    }
  }
  return shown;
}

std::vector<std::string> spellings(const CLI::Option& option) {
  std::vector<std::string> all;
  for (const std::string& name : option.get_snames()) all.push_back("-" + name);
  for (const std::string& name : option.get_lnames()) all.push_back("--" + name);
  return all;
}

bool takes_value(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

bool takes_job(const CLI::App& app) {
  for (const CLI::Option* option : shown_options(app, true)) {
    if (option->get_name(true) == "JOB") return true;
  }
  return false;
}

void append_options(std::string& out, const CLI::App& app) {
  for (const CLI::Option* option : shown_options(app, false)) {
    std::vector<std::string> names;
    for (const std::string& name : spellings(*option)) names.push_back("*" + plain(name) + "*");
    out += fmt::format("\n{}{}\n\t{}\n", fmt::join(names, ", "),
                       takes_value(*option) ? " _" + plain(option->get_type_name()) + "_" : "",
                       plain(option->get_description()));
  }
}

std::string words_of(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, " "));
}

std::vector<std::string> option_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::Option* option : shown_options(app, false)) {
    for (const std::string& name : spellings(*option)) words.push_back(name);
  }
  return words;
}

std::vector<std::string> verb_words(const CLI::App& app) {
  std::vector<std::string> words;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) words.push_back(verb->get_name());
  return words;
}

// The names of the jobs, one a line; nothing where no daemon answers.
constexpr std::string_view kJobNames =
    R"~(syncctl status --json 2>/dev/null | sed -n 's/.*"name":"\([a-z0-9_-]*\)".*/\1/p')~";

// bash: the words before the cursor that are no options decide.
std::string bash(const CLI::App& cli) {
  std::string cases;
  for (const CLI::App* verb : cli.get_subcommands(nullptr)) {
    if (const auto below = verb_words(*verb); !below.empty()) {
      cases += fmt::format("    {}) words='{}' ;;\n", verb->get_name(), words_of(below));
    }
  }
  for (const Command& command : commands_of(cli)) {
    cases += fmt::format("    '{}') words='{}'{} ;;\n", command.name, words_of(option_words(*command.app)),
                         takes_job(*command.app) ? "; jobs=1" : "");
  }
  return fmt::format(
      R"~(# bash completion of syncctl: made by `syncctl completion bash`
_syncctl() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} said="" given words="" jobs=""
  for given in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    [[ $given == -* ]] || said="${{said:+$said }}$given"
  done
  case $said in
    '') words='{} {}' ;;
{}  esac
  [[ -z $jobs ]] || words="$words $({})"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -F _syncctl syncctl
)~",
      words_of(verb_words(cli)), words_of(option_words(cli)), cases, kJobNames);
}

// In single quotes of a shell.
std::string shell_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out;
}

// zsh: "name:what it does", as _describe wants it.
std::string zsh_words(const CLI::App& app) {
  std::string out;
  for (const CLI::App* verb : app.get_subcommands(nullptr)) {
    out += fmt::format(" '{}:{}'", verb->get_name(), shell_quoted(verb->get_description()));
  }
  return out;
}

std::string zsh(const CLI::App& cli) {
  std::string cases;
  for (const CLI::App* verb : cli.get_subcommands(nullptr)) {
    if (!verb->get_subcommands(nullptr).empty()) {
      cases += fmt::format("    {}) words=({} ) ;;\n", verb->get_name(), zsh_words(*verb));
    }
  }
  for (const Command& command : commands_of(cli)) {
    cases += fmt::format("    '{}') options=({}){} ;;\n", command.name, words_of(option_words(*command.app)),
                         takes_job(*command.app) ? "; jobs=1" : "");
  }
  return fmt::format(
      R"~(#compdef syncctl
# zsh completion of syncctl: made by `syncctl completion zsh`
_syncctl() {{
  local -a words_before words options
  local said jobs=
  words_before=(${{${{(@)words[2,CURRENT-1]}}:#-*}})
  said="${{(j: :)words_before}}"
  words=()
  case $said in
    '') words=({} ); options=({}) ;;
{}  esac
  (( $#words )) && _describe verb words
  [[ -n $jobs ]] && compadd -- ${{(f)"$({})"}}
  (( $#options )) && compadd -- $options
}}
_syncctl "$@"
)~",
      zsh_words(cli), words_of(option_words(cli)), cases, kJobNames);
}

std::string fish(const CLI::App& cli) {
  std::string out =
      "# fish completion of syncctl: made by `syncctl completion fish`\ncomplete -c syncctl -f\n";
  for (const CLI::App* verb : cli.get_subcommands(nullptr)) {
    out += fmt::format("complete -c syncctl -n __fish_use_subcommand -a {} -d '{}'\n", verb->get_name(),
                       shell_quoted(verb->get_description()));
    for (const CLI::App* below : verb->get_subcommands(nullptr)) {
      out += fmt::format(
          "complete -c syncctl -n '__fish_seen_subcommand_from {}; and not __fish_seen_subcommand_from {}' "
          "-a {} -d '{}'\n",
          verb->get_name(), words_of(verb_words(*verb)), below->get_name(),
          shell_quoted(below->get_description()));
    }
  }
  for (const Command& command : commands_of(cli)) {
    std::string seen;
    for (std::size_t start = 0; start < command.name.size();) {
      const std::size_t end = std::min(command.name.find(' ', start), command.name.size());
      seen += fmt::format("{}__fish_seen_subcommand_from {}", seen.empty() ? "" : "; and ",
                          command.name.substr(start, end - start));
      start = end + 1;
    }
    if (takes_job(*command.app)) {
      out += fmt::format("complete -c syncctl -n '{}' -a \"({})\"\n", seen, "__syncctl_jobs");
    }
    for (const CLI::Option* option : shown_options(*command.app, false)) {
      for (const std::string& name : option->get_lnames()) {
        out += fmt::format("complete -c syncctl -n '{}' -l {}{} -d '{}'\n", seen, name,
                           takes_value(*option) ? " -r" : "", shell_quoted(option->get_description()));
      }
    }
  }
  return out + fmt::format("function __syncctl_jobs\n  {}\nend\n", kJobNames);
}

}  // namespace

std::string manual(const CLI::App& cli) {
  std::string out = fmt::format(
      "syncctl(1)\n\n# NAME\n\nsyncctl - shows and steers the sync daemon\n\n# SYNOPSIS\n\n"
      "*syncctl* [*--json*] [*--socket* _PATH_] _VERB_ [_JOB_] [...]\n\n# DESCRIPTION\n\n"
      "*syncctl* talks to a running *syncd*(8) through its control socket. Members of the daemon's group may "
      "use it.\n\n# OPTIONS\n");
  append_options(out, cli);
  out += "\n# VERBS\n";
  for (const Command& command : commands_of(cli)) {
    std::string line = "*" + plain(command.name) + "*";
    for (const CLI::Option* option : shown_options(*command.app, true)) {
      const std::string name = plain(option->get_name(true));
      line += option->get_required() ? " _" + name + "_" : " [_" + name + "_]";
    }
    out += fmt::format("\n## {}\n\n{}\n\n{}\n", command.name, line, plain(command.app->get_description()));
    append_options(out, *command.app);
  }
  out += fmt::format("\n# EXAMPLES AND EXIT STATUS\n\n```\n{}\n```\n", cli.get_footer());
  out += "\n# SEE ALSO\n\n*syncd*(8), *syncd.toml*(5)\n";
  return out;
}

std::string completion(const CLI::App& cli, const std::string& shell) {
  if (shell == "zsh") return zsh(cli);
  return shell == "fish" ? fish(cli) : bash(cli);
}

}  // namespace syncd::ctl
