// The types of io.syncd.Manager, in the order in which the methods need them.
#include "daemon/control/protocol_types.hpp"

namespace syncd::control {
namespace {

constexpr std::string_view kTypes = R"(# The control interface of syncd.
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

# What a model would be asked. unit: a digest of it; answered: it was asked before and costs nothing; else tokens and
# cost are estimates of the most that it can be.
type LlmQuestion (
  model: string,
  unit: string,
  answered: bool,
  input_tokens: int,
  output_tokens: int,
  cost_millionths: int
)

# A record that could not be delivered, and why.
type BadRecord (
  record: string,
  error: string
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

# A line of the daemon's log. number: counts all lines since it began; a gap among those of no filter: lines that you
# were too slow for. job: "" for the daemon itself; run: 0 for none.
type LogLine (
  number: int,
  time_us: int,
  level: string,
  job: string,
  run: int,
  text: string
)

# What has passed. kind: record (text is the row, as JSON); skipped (text says how many more records there were); step
# (text is for people); text (a part of an answer while it is written); again (what came of this answer is void, it
# begins anew; text says why); done; failed (text says why); lost (you read too slowly; text says how many pieces are
# missing); ended (the job's run; text says why it failed, "" where it did not). answer: tells answers apart that are
# written at the same time; "" for what is of none.
type Piece (
  answer: string,
  kind: string,
  text: string
)

)";

}  // namespace

std::string_view manager_types() { return kTypes; }

}  // namespace syncd::control
