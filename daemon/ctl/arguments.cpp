#include "daemon/ctl/arguments.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "config/model.hpp"
#include "config/suggest.hpp"
#include "daemon/base/escape.hpp"
#include "daemon/base/version.hpp"
#include "daemon/ctl/client.hpp"
#include "daemon/ctl/manual.hpp"

namespace syncd::ctl {
namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  syncctl status                      every job: state, lag, last and next run\n"
    "  syncctl top                         the same, kept up to date; ? shows the keys\n"
    "  syncctl run users --wait            run now, show progress, exit 1 if it fails\n"
    "  syncctl explain users               what it promises, and why it is where it is\n"
    "  syncctl dry-run users -n 3          what its sink would be sent; nothing is written\n"
    "  syncctl follow users                records and steps as they pass\n"
    "  syncctl logs users -f               what it says, also what comes\n"
    "  syncctl next                        what runs next, with what clock changes do to it\n"
    "  syncctl history --failed --since 1d what went wrong, and what did not run\n"
    "  syncctl reload --dry-run            what the files on disk would change\n"
    "  syncctl checkpoint rewind users --to start\n"
    "  syncctl checkpoint undo users       as it was before that\n"
    "  syncctl checkpoint export users > users.json\n"
    "  syncctl status --json | jq .state\n"
    "\n"
    "Exit codes: 0 done, 1 the operation or the job failed, 64 usage, 66 no such job, 69 the daemon\n"
    "cannot be reached, 75 busy, 77 no permission, 78 the configuration is invalid.";

// Declares the verbs; each notes itself in `arguments` when it was chosen.
class Verbs {
 public:
  Verbs(CLI::App& cli, Arguments& arguments) : arguments_(arguments) {
    CLI::App* status = add(cli, "status", "what every job does, or everything about one", Verb::Status);
    CLI::Option* of = job(*status, false)->get_option("JOB");
    status
        ->add_flag("--files,-f", arguments_.files, "where each of its files stands, and why one is not read")
        ->needs(of);
    add(cli, "top", "a table of all jobs that keeps itself up to date: throughput, lag, what is wrong",
        Verb::Top);
    CLI::App* run = add(cli, "run", "run a job now", Verb::Run);
    job(*run)->add_flag("--wait,-w", arguments_.wait, "wait for its end; exit 1 if it fails");
    run->add_option("--from", arguments_.from,
                    "only from here on, a value of the first cursor column; the checkpoint stays where it is")
        ->type_name("WHERE");
    run->add_option("--to", arguments_.to, "only up to here; likewise")->type_name("WHERE");
    job(*add(cli, "cancel", "end the run under way after its current commit", Verb::Cancel));
    CLI::App* pause = add(cli, "pause", "no run starts until `resume`; one under way ends", Verb::Pause);
    job(*pause)->add_option("--reason,-r", arguments_.reason, "shown by status")->type_name("TEXT");
    job(*add(cli, "resume", "let a paused job run again", Verb::Resume));
    job(*add(cli, "explain", "what a job promises, and why it is where it is", Verb::Explain));
    CLI::App* dry_run = job(
        *add(cli, "dry-run", "what a job would write, by the files on disk; writes nothing", Verb::DryRun));
    dry_run->add_option("--rows,-n", arguments_.limit, "how many rows at most")
        ->check(CLI::Range(1, 1000))
        ->type_name("N")
        ->default_str("20");
    job(*add(cli, "follow", "records, steps and answers of a job as they pass, until interrupted",
             Verb::Follow));
    logs(cli);
    CLI::App* next = add(cli, "next", "the coming occurrences, of one job or over all", Verb::Next);
    limit(*job(*next, false), 10);
    history(cli);
    CLI::App* check = add(cli, "check", "check the configuration files as they are now", Verb::Check);
    check->add_flag("--online,-o", arguments_.online, "ask the servers too: tables, privileges, pitfalls");
    checkpoint(cli);
    dead_letters(cli);
    llm(cli);
    CLI::App* reload =
        add(cli, "reload", "take the configuration on disk, all of it or nothing", Verb::Reload);
    reload->add_flag("--dry-run,-n", arguments_.dry_run, "only show what would change");
    add(cli, "metrics", "the numbers of the daemon, in the text format of Prometheus", Verb::Metrics);
    add(cli, "shutdown", "end the daemon in order, as SIGTERM does", Verb::Shutdown);
    add(cli, "version", "the versions of syncctl and of the daemon", Verb::Version);
  }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* help, Verb verb) {
    CLI::App* made = parent.add_subcommand(name, help);
    made->callback([this, verb] { arguments_.verb = verb; });
    return made;
  }
  CLI::App* job(CLI::App& verb, bool required = true) {
    verb.add_option("JOB", arguments_.job, required ? "its name" : "its name; all where it is left out")
        ->type_name("")
        ->required(required);
    return &verb;
  }
  void limit(CLI::App& verb, std::uint32_t usual) {
    verb.add_option("--limit,-n", arguments_.limit, "how many at most")
        ->check(CLI::Range(1, 1000))
        ->type_name("N")
        ->default_str(std::to_string(usual));
  }
  void history(CLI::App& cli) {
    CLI::App* verb = add(cli, "history", "every run, and every occurrence that did not run, with its reason",
                         Verb::History);
    limit(*job(*verb, false), 20);
    verb->add_flag("--failed,-f", arguments_.failed, "only what did not succeed");
    verb->add_option("--since", arguments_.since,
                     "planned since then: 2h, 3d, 2026-03-01, \"2026-03-01 10:00\"")
        ->type_name("WHEN");
  }
  void logs(CLI::App& cli) {
    CLI::App* verb = add(cli, "logs", "what the daemon has said lately, from its memory", Verb::Logs);
    limit(*job(*verb, false), 100);
    verb->add_flag("--follow,-f", arguments_.follow, "go on with what comes, until interrupted");
    verb->add_option("--level,-l", arguments_.level, "no less than this")
        ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error"}))
        ->type_name("LEVEL");
  }
  void confirmed(CLI::App& verb) {
    verb.add_flag("--yes,-y", arguments_.yes, "do not ask; needed where nobody can be asked");
  }
  void checkpoint(CLI::App& cli) {
    CLI::App* group =
        cli.add_subcommand("checkpoint", "where a job goes on: show it, change it, take it elsewhere");
    group->require_subcommand(1);
    job(*add(*group, "show", "the position, by its holder", Verb::ShowCheckpoint));
    CLI::App* set =
        job(*add(*group, "set", "put an exact position, as `show` prints it", Verb::SetCheckpoint));
    set->add_option("POSITION", arguments_.text, "the position")->type_name("")->required();
    set->add_option("--partition,-p", arguments_.partition, "where the source has several")
        ->type_name("NAME");
    confirmed(*set);
    CLI::App* rewind =
        job(*add(*group, "rewind", "go back to a value of the cursor", Verb::RewindCheckpoint));
    rewind
        ->add_option("--to,-t", arguments_.to,
                     "\"start\", a value of the first cursor column, or PATH:LINE of a file")
        ->type_name("WHERE")
        ->required();
    confirmed(*rewind);
    job(*add(*group, "export", "print the checkpoint as JSON, for `import` here or elsewhere",
             Verb::ExportCheckpoint));
    CLI::App* import = job(*add(*group, "import", "put an exported checkpoint in its place, all or nothing",
                                Verb::ImportCheckpoint));
    import->add_option("FILE", arguments_.file, "what `export` printed; - reads it from the standard input")
        ->type_name("")
        ->required();
    confirmed(*import);
    CLI::App* undo = job(*add(*group, "undo", "bring back what was there before the last change, or undo",
                              Verb::UndoCheckpoint));
    confirmed(*undo);
  }
  void dead_letters(CLI::App& cli) {
    CLI::App* group = cli.add_subcommand("dead-letters", "records that could not be delivered");
    group->require_subcommand(1);
    CLI::App* list =
        job(*add(*group, "list", "the newest ones, with the error of each", Verb::ListDeadLetters));
    limit(*list, 20);
    CLI::App* clear = job(*add(*group, "clear", "forget them", Verb::ClearDeadLetters));
    confirmed(*clear);
  }
  void llm(CLI::App& cli) {
    CLI::App* group =
        cli.add_subcommand("llm", "requests to models: what they cost, and those whose fate is unknown");
    group->require_subcommand(1);
    CLI::App* usage = job(*add(*group, "usage", "tokens and cost by day and job", Verb::LlmUsage), false);
    usage->add_option("--days,-n", arguments_.limit, "how many days")
        ->check(CLI::Range(1, 1000))
        ->type_name("N")
        ->default_str("7");
    job(*add(*group, "ambiguous", "requests that were sent and never answered whole", Verb::LlmAmbiguous),
        false);
    job(*add(*group, "follow", "answers while they are written", Verb::LlmFollow));
    CLI::App* resolve = add(*group, "resolve", "say what became of one, or of all: they may be asked again",
                            Verb::LlmResolve);
    resolve->add_option("ID", arguments_.id, "as `ambiguous` lists it; all where it is left out")
        ->type_name("");
    resolve->add_flag("--not-paid", arguments_.not_paid, "it was not paid: it counts in no budget");
    confirmed(*resolve);
  }

  Arguments& arguments_;
};

std::vector<std::string> names_of(const CLI::App& parent) {
  std::vector<std::string> names;
  for (const CLI::App* verb : parent.get_subcommands(nullptr)) names.push_back(verb->get_name());
  return names;
}

// What CLI11 does not say: which verb was meant, and which there are.
std::string message_of(const CLI::App& cli, const CLI::ParseError& error) {
  const CLI::App* parent = &cli;
  while (!parent->get_subcommands().empty()) parent = parent->get_subcommands().front();
  const std::vector<std::string> verbs = names_of(*parent);
  const bool no_verb = dynamic_cast<const CLI::RequiredError*>(&error) != nullptr ||
                       dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  if (verbs.empty() || !no_verb) return error.what();
  for (const std::string& word : cli.remaining(true)) {
    if (!word.empty() && word.front() != '-') return config::unknown_text("verb", word, verbs);
  }
  return fmt::format("{} needs a verb: {}", parent == &cli ? "it" : parent->get_name(),
                     fmt::join(verbs, ", "));
}

}  // namespace

std::optional<Arguments> parse_arguments(int argc, const char* const* argv, int& exit_code) {
  Arguments arguments;
  arguments.socket = config::Control().socket;
  CLI::App cli{"Shows and steers a running syncd.", "syncctl"};
  cli.fallthrough();
  cli.require_subcommand(1);
  cli.add_option("--socket,-s", arguments.socket, "the daemon's control socket")
      ->envname("SYNCD_SOCKET")
      ->type_name("PATH")
      ->capture_default_str();
  cli.add_flag("--json,-j", arguments.json, "JSON, one object a line");
  cli.set_version_flag("--version", std::string("syncctl ") + kVersion);
  const Verbs verbs(cli, arguments);
  std::string shell;
  CLI::App* completing = cli.add_subcommand("completion", "print a completion script for a shell");
  completing->add_option("SHELL", shell, "bash, zsh or fish")
      ->type_name("")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  cli.footer(kFooter);                                         // now: the verbs would inherit it
  if (argc == 2 && std::string_view(argv[1]) == "--manual") {  // for the build; no business of users
    fmt::print("{}", manual(cli));
    exit_code = kDone;
    return std::nullopt;
  }
  try {
    cli.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    exit_code = cli.exit(done);
    return std::nullopt;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "syncctl: {}\n  `syncctl --help` shows how it goes\n",
               escaped(message_of(cli, error)));
    exit_code = kUsage;
    return std::nullopt;
  }
  if (completing->parsed()) {
    fmt::print("{}", completion(cli, shell));
    exit_code = kDone;
    return std::nullopt;
  }
  return arguments;
}

}  // namespace syncd::ctl
