// syncd: the daemon's command line.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "config/load.hpp"
#include "config/suggest.hpp"
#include "daemon/app.hpp"
#include "daemon/app_progress.hpp"
#include "daemon/base/escape.hpp"
#include "daemon/base/log.hpp"
#include "daemon/base/memory.hpp"
#include "daemon/base/version.hpp"
#include "jobs/reference.hpp"

namespace {

using namespace syncd;

// sysexits.h, as documented in syncd(8).
enum Exit { kOk = 0, kFailed = 1, kUsage = 64, kNoInput = 66, kInternal = 70, kBusy = 75, kConfig = 78 };

struct Arguments {
  std::string config = "/etc/syncd/syncd.toml";
  std::string once;
  bool check = false;
  std::string reference;
};

// No core with secrets in it, and no other process of our user may trace us.
void forbid_core_dumps() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::prctl(PR_SET_DUMPABLE, 0);
}

void print_findings(const config::Findings& findings) {
  for (const auto& finding : findings.all()) fmt::print(stderr, "{}\n", escaped(finding.printed()));
  fmt::print(stderr, "syncd: {} mistake{} in the configuration\n", findings.size(),
             findings.size() == 1 ? "" : "s");
}

log::Format format_of(config::LogFormat format) {
  switch (format) {
    case config::LogFormat::kAuto:
      return log::Format::Auto;
    case config::LogFormat::kText:
      return log::Format::Text;
    case config::LogFormat::kLogfmt:
      return log::Format::Logfmt;
    case config::LogFormat::kJson:
      return log::Format::Json;
    case config::LogFormat::kJournal:
      return log::Format::Journal;
  }
  return log::Format::Auto;
}

std::string rows(std::uint64_t count) { return human_count(count) + (count == 1 ? " row" : " rows"); }

int run_once(App& app, const std::string& job) {
  const auto started = std::chrono::steady_clock::now();
  ProgressLine line;
  const auto record = app.run_once(job, [&](const jobs::RunnerView& view) { line.show(job, view); });
  line.clear();
  const auto took = human_duration(std::chrono::steady_clock::now() - started);
  if (record.outcome == "succeeded") {
    fmt::print(stderr, "{}: {} in {}\n", job, rows(record.rows), took);
    return kOk;
  }
  fmt::print(stderr, "{}: {} after {} and {}: {}\n", job, record.outcome, rows(record.rows), took,
             escaped(record.error));
  return kFailed;
}

int run(const Arguments& arguments) {
  if (::access(arguments.config.c_str(), F_OK) != 0) {
    fmt::print(stderr, "syncd: {}: {}; --config names another file\n", escaped(arguments.config),
               std::strerror(errno));
    return kNoInput;
  }
  const config::Findings findings;
  Loaded loaded = load_configuration(arguments.config, findings);
  if (!findings.empty()) {
    print_findings(findings);
    return kConfig;
  }
  if (arguments.check) {
    const std::size_t connections = loaded.config.connections.size();
    fmt::print("{}: {} job{} and {} connection{}, no mistake found\n", arguments.config, loaded.jobs.size(),
               loaded.jobs.size() == 1 ? "" : "s", connections, connections == 1 ? "" : "s");
    return kOk;
  }
  if (!arguments.once.empty() && !loaded.jobs.contains(arguments.once)) {
    std::vector<std::string> known;
    for (const auto& [name, plan] : loaded.jobs) known.push_back(name);
    fmt::print(stderr, "syncd: {}\n", config::unknown_text("job", arguments.once, known));
    return kNoInput;
  }
  log::setup(level_of(loaded.config.log.level), format_of(loaded.config.log.format));
  App app(std::move(loaded));
  if (!arguments.once.empty()) return run_once(app, arguments.once);
  app.serve();
  return kOk;
}

}  // namespace

int main(int argc, char** argv) {
  forbid_core_dumps();
  keep_freed_memory();
  CLI::App cli{"syncd: keeps systems in step, without losing a row"};
  cli.footer(
      "Examples:\n"
      "  syncd --check                 every mistake of every file, with its place\n"
      "  syncd --once users            one run in the foreground\n"
      "  syncd --config ./syncd.toml   the daemon, in the foreground; syncctl talks to it\n");
  Arguments arguments;
  cli.add_option("--config,-c", arguments.config, "the main file; jobs.d/*.toml beside it is read too")
      ->envname("SYNCD_CONFIG")
      ->capture_default_str();
  cli.add_flag("--check", arguments.check, "check the configuration and exit (78: there are mistakes)");
  cli.add_option("--once", arguments.once, "run JOB until it has caught up, in the foreground")
      ->type_name("JOB");
  cli.add_flag("--reference{markdown}", arguments.reference,
               "print the reference of every option: markdown (default) or man")
      ->check(CLI::IsMember({"markdown", "man"}));
  cli.set_version_flag("--version", std::string("syncd ") + kVersion);
  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kOk : kUsage;
  }
  if (!arguments.reference.empty()) {
    fmt::print("{}", jobs::reference(arguments.reference == "man" ? jobs::ReferenceFormat::Man
                                                                  : jobs::ReferenceFormat::Markdown));
    return kOk;
  }
  try {
    return run(arguments);
  } catch (const InUse& error) {
    fmt::print(stderr, "syncd: {}\n", escaped(error.what()));
    if (!arguments.once.empty())
      fmt::print(stderr, "  `syncctl run {} --wait` asks that one to run it\n", arguments.once);
    return kBusy;
  } catch (const Error& error) {
    fmt::print(stderr, "syncd: {}\n", escaped(error.what()));
    return kFailed;
  } catch (const std::exception& error) {
    fmt::print(stderr, "syncd: internal error: {}\n", escaped(error.what()));
    return kInternal;
  }
}
