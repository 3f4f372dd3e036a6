// What a source, a transform and a sink are, and how each is announced to the catalogue.
//
// A component lives for one attempt of one run: it is made from its plan (the checked configuration) and
// dropped at the end, whatever the end was.  Retry = resume = restart: there is no other path.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/fields.hpp"
#include "config/model.hpp"
#include "daemon/base/error.hpp"
#include "daemon/coro/clock.hpp"
#include "daemon/coro/generator.hpp"
#include "daemon/coro/task.hpp"
#include "jobs/batch.hpp"
#include "jobs/position.hpp"

namespace syncd::loop {
class Worker;
}

namespace syncd::jobs {

using coro::Task;
using Batches = coro::AsyncGenerator<Batch>;

// --- what a component may use ------------------------------------------------------------------------

// What a component tells the operator while it works; all of it shows in `syncctl status`.
class Monitor {
 public:
  virtual ~Monitor() = default;
  // Why nothing moves ("fence held 3 h 12 min by pid 4711 app=report"); "" when it moves again.
  virtual void waiting_for(std::string why) = 0;
  // What a person should know although nothing waits for it ("open to late commits for 3 h 12 min: pid 4711
  // app=report"); "" when it is over.
  virtual void note(std::string what) { (void)what; }
  // How far the sink is behind the source, where the source knows.
  virtual void lag(std::optional<std::chrono::nanoseconds> time, std::optional<std::uint64_t> rows) = 0;
  // Something odd that loses nothing; logged with the job's name.
  virtual void warn(std::string text) = 0;
};

// One record that could not be delivered.
struct BadRecord {
  std::string record;  // JSON object: column -> text or null
  std::string error;
};

// What on_bad_record says, done durably: returns when the record is kept or counted, throws the Data
// error when the job is to halt.
class BadRecords {
 public:
  virtual ~BadRecords() = default;
  virtual void take(const BadRecord& bad) = 0;
};

// A part of a source, both ends included, each as Source::position_at() or `checkpoint show` has it; nullopt:
// open.
class Range {
 public:
  Range(std::optional<std::string> from_in, std::optional<std::string> to_in)
      : from(std::move(from_in)), to(std::move(to_in)) {}
  std::optional<std::string> from;
  std::optional<std::string> to;
};

// A question that a model would be asked.
struct Question {
  std::string unit;  // a digest of everything that shapes the answer
  std::string model;
  std::uint64_t input_tokens = 0;   // estimated; of an answer that is known: as they were
  std::uint64_t output_tokens = 0;  // likewise; at most
  std::int64_t cost = 0;            // in millionths
  bool answered = false;            // it was asked before: it costs nothing
};

// Hears what a run would do, where it is only tried: nothing leaves the daemon, nothing is written.
class Rehearsal {
 public:
  virtual ~Rehearsal() = default;
  virtual void asked(Question question) = 0;
};

class Connections;  // jobs/connections.hpp

// Handed to make(); everything in it outlives the component.
class RunContext {
 public:
  RunContext(Clock& clock_in, Connections& connections_in, Monitor& monitor_in, BadRecords& bad_records_in,
             std::string job_in, std::string instance_in)
      : clock(clock_in),
        connections(connections_in),
        monitor(monitor_in),
        bad_records(bad_records_in),
        job(std::move(job_in)),
        instance(std::move(instance_in)) {}
  Clock& clock;
  Connections& connections;
  Monitor& monitor;
  BadRecords& bad_records;
  std::string job;
  std::string instance;        // of this state directory: a restarted daemon is the same one, a second is not
  bool continuous = false;     // go on for ever (schedule = "continuous"), or return when caught up
  std::optional<Range> range;  // read this instead, and move no position
  std::filesystem::path state_dir;  // "" where nothing is kept
  std::string run;                  // names the run, over all its attempts; "" outside of one
  Rehearsal* rehearsal = nullptr;   // in a dry run alone: nobody is asked for money

  // A thread for work that would keep the loop too long: one for all components of the run, gone with the
  // last of them that holds it.
  std::shared_ptr<loop::Worker> worker();

 private:
  std::weak_ptr<loop::Worker> worker_;
};

// What `check --online` finds.
struct CheckNote {
  enum class Level { Error, Warning, Note };
  Level level;
  std::string text;
  std::string remedy;
};
using CheckNotes = std::vector<CheckNote>;

// Where a job goes on after an operator's rewind.
struct Rewind {
  explicit Rewind(Position to_in, bool others_stay_in = false)
      : to(std::move(to_in)), others_stay(others_stay_in) {}
  Position to;
  bool others_stay;  // the positions of other partitions
};

// --- the three contracts -----------------------------------------------------------------------------

class Source {
 public:
  virtual ~Source() = default;
  // Looks at the real thing without reading it: privileges, types, pitfalls.  Throws only when it cannot
  // look at all.
  virtual Task<CheckNotes> check() = 0;
  // Batches from `from` on, in the order of each partition.  Ends when caught up, unless continuous.
  virtual Batches read(Positions from) = 0;
  // What lies within `range` now; every batch names the position that `held` names.  Only where the kind says
  // `ranges`.
  virtual Batches read_range(Positions held, Range range);
  // Everything up to `position` was committed: the sink keeps this position, or will before it keeps any that
  // comes later.
  virtual Task<> committed(const Position& position) {
    (void)position;
    co_return;
  }
  // The position of WHERE; throws a Config error that says what it takes.
  virtual Task<Position> position_at(std::string where) = 0;
  // For `syncctl checkpoint rewind --to WHERE`, from what is held now; by default position_at(), instead of
  // everything that is held.
  virtual Task<Rewind> rewind(std::string where, Positions held);
  // A position in words, for people; throws a Permanent error where the text is none of this source.
  virtual std::string describe(const Position& position) const = 0;
};

class Transform {
 public:
  virtual ~Transform() = default;
  // Where the source goes on; told before apply() where positions are to move.
  virtual void begins_at(const Positions& from) { (void)from; }
  // Never loses a position: where it drops every row it yields an empty batch that carries it.
  virtual Batches apply(Batches upstream) = 0;
  // Ends what apply() has left running, after the last of its generators has gone and before the transform
  // goes.  What is under way may be finished first, unless the awaiter is told to stop.
  virtual Task<> close() { co_return; }
};

// Why a sink is to settle.
enum class Settle : std::uint8_t {
  CaughtUp,  // after a batch: the source has nothing more for the moment, which may be over at once
  Beat,      // every few seconds while a batch is awaited: time for leases, and for what waits for rest
  End,       // after the last batch
};

class Sink {
 public:
  virtual ~Sink() = default;
  virtual Task<CheckNotes> check() = 0;
  // Takes the sink over for this run (a stale writer is refused from now on) and returns the positions
  // that it holds itself; nullopt: it holds none, the local copy counts.
  virtual Task<std::optional<Positions>> open() = 0;
  // Returns when the rows are durable and the batch's position may be named.  `previous` is what the
  // partition had reached before.  The positions of a run become durable in the order of its batches,
  // whatever their partitions; that of a batch without rows may wait for the next commit or settle().
  virtual Task<> commit(const Batch& batch, const Position& previous) = 0;
  // How to see, in the middle of a commit, the batch that comes after it: null while there is none yet.  What
  // is begun of that one must not count before it is committed, and it may never be.
  virtual void look_ahead(std::function<const Batch*()> next) { (void)next; }
  // The held position catches up with the rows.
  virtual Task<> settle(Settle why) = 0;
  // The positions it holds, without taking over; nullopt as open().
  virtual Task<std::optional<Positions>> recall() = 0;
  // Replaces the held positions (rewind, set); refused while another daemon runs this job.
  virtual Task<> assign(const Positions& positions) = 0;
  // What commit() would write for these rows, as a person reads it: the commands, statements or lines.
  // Without open(), and writing nothing; rows that could not be written go to the bad records.
  virtual Task<std::vector<std::string>> preview(const Batch& batch) = 0;
};

// --- plans: the checked configuration ----------------------------------------------------------------

// What is known about the stream at check time.
struct Stream {
  std::optional<std::vector<std::string>> columns;  // nullopt: known at run time only
  bool repeats_harmlessly = true;                   // the sink's writes may be repeated
  std::function<bool(std::string_view)> reads;      // whether the source would read a file of this path
};

// Looks a connection up for a component's `connection` key; findings go to the table.
class PlanContext {
 public:
  PlanContext(const config::Config& config_in, const config::Job& job_in) : config(config_in), job(job_in) {}
  // Reports where the connection is missing or of another type ("nearest known", "is of type redis").
  bool require_connection(const config::Table& table, const std::string& name, std::string_view type) const;
  const config::Config& config;
  const config::Job& job;
  Stream stream;  // as it arrives at this component
};

// Throws nothing: findings go to the table.  `lines` is what explain prints for this component.
template <class Component>
struct Plan {
  std::function<std::unique_ptr<Component>(RunContext&)> make;
  std::vector<std::string> guarantees;
};

// One entry of the catalogue: one file = one component = its TOML type.
template <class Component>
struct Kind {
  std::string_view type;
  std::string_view help;
  std::vector<config::FieldDoc> (*docs)();
  // Reads the table and returns the plan; `context.stream` becomes what leaves the component.
  Plan<Component> (*plan)(const config::Table& table, PlanContext& context);
  bool repeats_harmlessly = true;       // sinks only: writing a batch again changes nothing
  bool ranges = false;                  // sources only: read_range() works
  std::string_view replaces_with = {};  // sinks only: with this option a row that comes again replaces itself
};
using SourceKind = Kind<Source>;
using TransformKind = Kind<Transform>;
using SinkKind = Kind<Sink>;

}  // namespace syncd::jobs
