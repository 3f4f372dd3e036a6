// The varlink description of what the socket offers; `varlinkctl introspect` shows it with its comments.
#include "daemon/control/protocol.hpp"

namespace syncd::control {
namespace {

constexpr std::string_view kManager = R"(# The control interface of syncd.
#
# Times are microseconds since 1970-01-01 UTC, durations are microseconds, sizes are bytes. A text may hold
# what a server or a row said: escape it before you show it on a terminal.
interface io.syncd.Manager

# A run that has ended. outcome: succeeded, failed, cancelled, interrupted (cut off by the end of the daemon).
type LastRun (
  planned_us: int,
  started_us: int,
  ended_us: ?int,
  outcome: string,
  error: string,
  rows: int,
  bytes: int,
  attempts: int
)

# The run under way.
type CurrentRun (
  started_us: int,
  rows: int,
  batches: int,
  bytes: int,
  rows_per_second: int,
  attempts: int,
  caught_up: bool
)

# How the run that was waited for has ended.
type RunResult (
  outcome: string,
  error: string,
  started_us: int,
  ended_us: int,
  rows: int,
  bytes: int,
  attempts: int
)

# How far a partition of the source has come, in words.
type Position (
  partition: string,
  text: string
)

# Everything about a job now. state: idle, running, waiting (between two attempts or held up: see
# waiting_for), paused, failed, fenced (another daemon owns the job's sink). note: worth knowing, but nothing
# waits for it.
type JobStatus (
  name: string,
  description: string,
  state: string,
  schedule: string,
  next_run_us: ?int,
  last_run: ?LastRun,
  run: ?CurrentRun,
  position: []Position,
  lag_us: ?int,
  lag_rows: ?int,
  waiting_for: string,
  note: string,
  last_error: string,
  last_error_us: ?int,
  pause_reason: string,
  paused_since_us: ?int,
  source: string,
  transforms: []string,
  sink: string,
  dead_letters: int,
  guarantees: []string
)

# What a check found. level: error, warning, note.
type Finding (
  level: string,
  place: string,
  text: string,
  remedy: string
)

# A coming occurrence. local: what the wall clock of the job's zone shows then; note: what a person would wonder
# about, as "02:30 does not exist on 2026-03-29 in Europe/Paris, runs 03:00".
type Occurrence (
  job: string,
  at_us: int,
  local: string,
  zone: string,
  note: string
)

# A job of which no occurrence is known beforehand, and why.
type WithoutOccurrence (
  job: string,
  reason: string
)

# An occurrence that ran; or one, or several in a row (until_us, occurrences), that did not: started_us is null
# then, and reason says why. cause: schedule, catch_up, asked (by an operator), range (a part of the source, once
# more). outcome: running, succeeded, failed, cancelled, interrupted (by the end of the daemon; it goes on as the
# same occurrence: resumed says how often), skipped (by a policy), missed (no daemon was there). The positions
# are those that the run moved, by partition.
type HistoryEntry (
  id: int,
  job: string,
  planned_us: int,
  until_us: ?int,
  occurrences: int,
  started_us: ?int,
  ended_us: ?int,
  cause: string,
  outcome: string,
  reason: string,
  attempts: int,
  resumed: int,
  rows: int,
  bytes: int,
  position_before: [string]string,
  position_after: [string]string
)

# A job or a connection in which two configurations differ. keys: whose values differ. running: a run under way
# goes on with the old configuration.
type Item (
  name: string,
  keys: []string,
  running: bool
)

# What is new, gone and other; unchanged: how many are as before.
type Items (
  added: []Item,
  removed: []Item,
  changed: []Item,
  unchanged: int
)

# A position as it is stored. text: the exact token that SetCheckpoint takes; words: for people.
type CheckpointPosition (
  partition: string,
  text: string,
  words: string
)

# A checkpoint as it was before an operator changed it. change: set, rewind, import, undo.
type PreviousCheckpoint (
  time_us: int,
  change: string,
  positions: []CheckpointPosition
)

# A checkpoint that can be kept, and imported here or elsewhere. syncd_checkpoint: the version of this format, 1.
# source: what tells the source from others, as type and table; an import into a job with another one is refused.
type ExportedCheckpoint (
  syncd_checkpoint: int,
  job: string,
  source: [string]string,
  taken_us: int,
  positions: []CheckpointPosition
)

# A file of a source that reads files. file: the path under which it was first seen, now: the one that it has, ""
# for none; identity: device:inode:birth; offset: delivered up to here, of the decompressed bytes; truncated, split,
# skipped: lines above max_line, by what became of them.
type FileState (
  file: string,
  now: string,
  identity: string,
  offset: int,
  size: int,
  lag_bytes: ?int,
  lag_us: ?int,
  state: string,
  truncated: int,
  split: int,
  skipped: int
)

# A record that could not be delivered, as a JSON text, and why.
type DeadLetter (
  id: int,
  time_us: int,
  record: string,
  error: string
)

# What one job spent on models on one day (UTC). ambiguous: how many of the requests have an unknown fate.
# cost_millionths: of the currency of the price table.
type LlmDay (
  job: string,
  day: string,
  requests: int,
  ambiguous: int,
  input_tokens: int,
  output_tokens: int,
  cost_millionths: int
)

# A request to a model that was sent and whose answer never came whole: nobody knows whether it must be paid.
# unit: a digest of what was asked; the tokens and the cost are estimates.
type LlmRequest (
  id: int,
  job: string,
  model: string,
  unit: string,
  sent_us: int,
  why: string,
  input_tokens: int,
  output_tokens: int,
  cost_millionths: int
)

# A part of an answer while it is written. answer: tells answers apart that are written at the same time. kind: text;
# again (what came of this answer is void, it begins anew; text says why); done; failed (text says why); lost (you read
# too slowly; text says how many pieces are missing); ended (the job's run; text says why it failed, "" where it did not).
type LlmPiece (
  answer: string,
  kind: string,
  text: string
)

# The names of all jobs, sorted.
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

# The answers that a model writes for the job from now on, until you close the connection. A slow reader loses pieces,
# and is told; the job waits for nobody. Needs "more".
method LlmFollow(job: string) -> (pieces: []LlmPiece)

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
  if (interface == kInterface) return kManager;
  if (interface == kServiceInterface) return kService;
  return {};
}

}  // namespace syncd::control
