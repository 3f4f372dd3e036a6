// The varlink description of what the socket offers; `varlinkctl introspect` shows it with its comments.
#include "daemon/control/protocol.hpp"
#include "daemon/control/protocol_types.hpp"

namespace syncd::control {
namespace {

constexpr std::string_view kManager = R"(# The names of all jobs, sorted.
method ListJobs() -> (jobs: []string)

# The status of one job, or of all where none is named.
method Status(job: ?string) -> (jobs: []JobStatus)

# First the status now, then each change, until you close the connection: every reply holds the jobs that
# changed since the last. A slow reader misses intermediate states, never the last one. Needs "more".
method Watch(job: ?string) -> (jobs: []JobStatus)

# What the job promises, and why it is where it is; one line each.
method Explain(job: string) -> (lines: []string)

# The next occurrences of one job, or over all where none is named, in order; and the jobs that have none.
# limit: 1 to 1000, else 10.
method Next(job: ?string, limit: ?int) -> (occurrences: []Occurrence, without: []WithoutOccurrence)

# Every run and every occurrence that did not run: the newest ones, oldest of them first. failed: only what did
# not succeed; since_us: planned then or later; limit: 1 to 1000, else 20.
method History(job: ?string, failed: ?bool, since_us: ?int, limit: ?int) -> (entries: []HistoryEntry)

# Checks the configuration on disk; online also asks the connections and looks at tables and servers.
method Check(online: ?bool) -> (findings: []Finding)

# The positions that the sink holds and the local copy. Where sink_holds is true, the sink's count.
# sink_error says why the sink could not be asked. previous: what UndoCheckpoint brings back.
method ShowCheckpoint(job: string) -> (
  job: string,
  sink_holds: bool,
  sink_error: string,
  sink: []CheckpointPosition,
  local: []CheckpointPosition,
  previous: ?PreviousCheckpoint
)

# The positions that count, to be imported later.
method ExportCheckpoint(job: string) -> (checkpoint: ExportedCheckpoint)

# What the job would do from here on, by the files on disk: its real source and transforms; nothing is written, no
# position moves, no model is asked. from: where it would go on, in words; read: rows of the source, rows: those that
# reached the sink; writes: what the sink would be sent, as commands, statements or lines; notes: why it ended early,
# and what was odd. limit: rows, 1 to 1000, else 20; it ends after some seconds, too.
method DryRun(job: string, limit: ?int) -> (
  from: []string,
  read: int,
  rows: int,
  writes: []string,
  bad: []BadRecord,
  questions: []LlmQuestion,
  notes: []string
)

# What passes in the job from now on, until you close the connection: each record that its sink has taken, up to a
# thousand a second; each step; and what models answer while they write it. answers: these alone. A slow reader loses
# pieces, and is told; the job waits for nobody. Needs "more".
method Follow(job: string, answers: ?bool) -> (pieces: []Piece)

# What the daemon has said lately and still keeps in memory, oldest first. job: what concerns that one, "" for what
# concerns none; level: no less than this, one of trace, debug, info, warn, error; limit: the newest ones, 1 to 1000,
# else 100. follow: reply after reply with what comes, until you close the connection; needs "more".
method Logs(job: ?string, level: ?string, limit: ?int, follow: ?bool) -> (lines: []LogLine)

# The files of a job that reads files, sorted: where each stands, and why one is not read. total counts all.
# limit: 1 to 1000, else 1000.
method ListFiles(job: string, limit: ?int) -> (total: int, files: []FileState)

# The newest undelivered records, oldest of them first. total counts all that are kept. limit: 1 to 1000,
# else 100; long records may make it fewer.
method ListDeadLetters(job: string, limit: ?int) -> (total: int, letters: []DeadLetter)

# What models cost, newest day first. days: 1 to 1000, else 7.
method LlmUsage(job: ?string, days: ?int) -> (days: []LlmDay)

# The requests to models whose fate is unknown, oldest first.
method LlmAmbiguous(job: ?string) -> (requests: []LlmRequest)

# What GET /metrics answers: the text format of Prometheus.
method Metrics() -> (text: string)

# The version of the daemon.
method Version() -> (version: string)

# Starts a run now. With wait, the last reply holds the result; with "more" too, replies with the status
# come before it. Closing the connection ends the waiting, not the run. With from or to: over that part of the
# source only, both ends included, each a value of the first cursor column or a position that ShowCheckpoint gave;
# also of a paused job. The checkpoint stays where it is.
method Run(job: string, wait: ?bool, from: ?string, to: ?string) -> (status: ?JobStatus, result: ?RunResult)

# Ends the run under way after its current commit.
method Cancel(job: string) -> ()

# No run starts until Resume; a run under way ends as by Cancel.
method Pause(job: string, reason: ?string) -> ()

# Lets a paused job run again.
method Resume(job: string) -> ()

# Replaces the position of a partition by a text that ShowCheckpoint gave. A run under way is ended for it,
# and goes on from there.
method SetCheckpoint(job: string, partition: ?string, text: string) -> ()

# Goes back, or forth, to a value of the source's cursor, or to "start". A run under way is ended for it, and
# goes on from there.
method RewindCheckpoint(job: string, to: string) -> ()

# Replaces all positions by those of an export, or none of them. A run under way is ended for it, and goes on from
# there. words need not be given.
method ImportCheckpoint(job: string, checkpoint: ExportedCheckpoint) -> ()

# Brings back the checkpoint as it was before the last set, rewind, import or undo; a second one takes the first one
# back. A run under way is ended for it, and goes on from there.
method UndoCheckpoint(job: string) -> ()

# Forgets the undelivered records of a job; returns how many there were.
method ClearDeadLetters(job: string) -> (cleared: int)

# Says that somebody has looked up what became of such requests: of the one with this id, of those of one job, or
# of all. They may be asked again. not_paid: they count in no budget any more.
method LlmResolve(id: ?int, job: ?string, not_paid: ?bool) -> (resolved: int)

# Takes the configuration on disk, all of it or nothing. What did not change is not touched; runs under way end
# on their old configuration. settings: keys of the daemon itself that are in effect now; restart: those that
# need a restart. With dry_run it only tells.
method Reload(dry_run: ?bool) -> (jobs: Items, connections: Items, settings: []string, restart: []string)

# Ends the daemon in order, as SIGTERM does.
method Shutdown() -> ()

# No job has this name. did_you_mean: the nearest known one, or empty.
error NoSuchJob (name: string, did_you_mean: string)

# Not now: the job runs already, is paused, does not run where it should, or all connections are in use.
error Busy (reason: string)

# You may not talk to this daemon. group: whose members may; empty where only root and the daemon's user may.
error NotPermitted (reason: string, group: string)

# The configuration on disk cannot be used; nothing was changed.
error InvalidConfiguration (findings: []Finding)

# The operation failed. kind: config, transient, permanent, data, fenced, internal.
error Failed (kind: string, reason: string)

# The message was not a call.
error BadCall (reason: string)
)";

constexpr std::string_view kService = R"(# The Varlink Service Interface is provided by every varlink service.
interface org.varlink.service

# Vendor, product, version, address and the interfaces of this service.
method GetInfo() -> (
  vendor: string,
  product: string,
  version: string,
  url: string,
  interfaces: []string
)

# The description of an interface of this service.
method GetInterfaceDescription(interface: string) -> (description: string)

error InterfaceNotFound (interface: string)
error MethodNotFound (method: string)
error MethodNotImplemented (method: string)
error InvalidParameter (parameter: string)
error PermissionDenied ()
error ExpectedMore ()
)";

}  // namespace

std::string_view interface_description(std::string_view interface) {
  static const std::string manager = std::string(manager_types()) + std::string(kManager);
  if (interface == kInterface) return manager;
  if (interface == kServiceInterface) return kService;
  return {};
}

}  // namespace syncd::control
