// summarize: gathers rows into windows and asks a model about each: one row out for a window.  Several
// requests are under way at once, answers are delivered in order, and each is paid for once: a window that
// was answered before is in the journal.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>

#include "daemon/coro/channel.hpp"
#include "daemon/coro/scope.hpp"
#include "daemon/coro/signal.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/connections.hpp"
#include "jobs/row_json.hpp"
#include "jobs/transforms/summarize_cuts.hpp"
#include "jobs/transforms/summarize_options.hpp"
#include "jobs/transforms/summarize_tree.hpp"

namespace syncd::jobs {
namespace {

// What leaves beside the key's columns.
const std::vector<std::string> kColumns = {"summary", "model", "input_tokens", "output_tokens", "cost",
                                           "rows",    "first", "last",         "unit"};

// A source that was silent for so long has nothing more for the moment.
constexpr Duration kQuiet = std::chrono::seconds(10);

// One question, asked once however many windows it is for.
struct Unit {
  std::string id;
  std::optional<store::LlmAnswer> answer;
  std::exception_ptr error;
  bool done() const noexcept { return answer || error; }
};

struct Asked {
  Span span;
  std::size_t bytes = 0;                     // of the questions
  std::vector<std::shared_ptr<Unit>> units;  // one a window
  bool done() const {
    return std::all_of(units.begin(), units.end(), [](const auto& unit) { return unit->done(); });
  }
};

// Lines of JSON, whatever the schema of the batch.
class Lines {
 public:
  explicit Lines(std::vector<std::string> fields) : fields_(std::move(fields)) {}
  void operator()(std::string& out, const Batch& batch, std::size_t row) {
    if (batch.shared_schema() != schema_) {
      schema_ = batch.shared_schema();
      json_ = std::make_shared<RowJson>(*schema_, chosen_columns(*schema_, fields_));
    }
    json_->append(out, batch, row);
    out += '\n';
  }

 private:
  std::vector<std::string> fields_;
  std::shared_ptr<const Schema> schema_;
  std::shared_ptr<RowJson> json_;
};

class Summarize final : public Transform {
 public:
  Summarize(RunContext& context, SummarizeOptions options);
  void begins_at(const Positions& from) override {
    windows_.begins_at(from, [this](const Position& before) { return cuts_.at(before); });
    remembers_ = !rehearsed_;
  }
  Batches apply(Batches upstream) override { return flow(std::move(upstream)); }
  Task<> close() override;

 private:
  Batches flow(Batches upstream);
  static Task<> read(coro::Channel<Batch>& inbox, coro::Signal& changed, bool& ended, Batches upstream);
  static Task<> ask(Desk& desk, std::shared_ptr<Unit> unit, llm::Ask question, coro::Signal& changed);
  void begin(std::vector<Span> spans);
  static Task<> ask_in_parts(Tree& tree, std::shared_ptr<Unit> unit, std::string data, std::string key,
                             coro::Signal& changed);
  std::shared_ptr<Unit> unit_for(const Window& window);
  Batch deliver(const Asked& asked);
  void append(Batch& batch, const Asked& asked, std::size_t index);
  bool take_error(const Asked& asked, std::size_t index);
  std::size_t waiting() const;
  bool room() const;

  Clock& clock_;
  BadRecords& bad_records_;
  const SummarizeOptions options_;
  const bool continuous_;
  const std::shared_ptr<store::LlmJournal> journal_;
  const AskedCuts cuts_;
  const bool rehearsed_;
  bool remembers_ = false;  // positions move, and this is no dry run
  Desk desk_;
  Tree tree_;
  std::shared_ptr<const Schema> schema_;
  Windows windows_;
  std::deque<Asked> asked_;
  std::size_t bytes_asked_ = 0;
  std::map<std::string, std::weak_ptr<Unit>> units_;
  coro::Signal changed_;
  coro::Channel<Batch> inbox_;
  bool ended_ = false;
  coro::AsyncScope reading_;  // of the upstream
  coro::AsyncScope asking_;
};

std::vector<std::string> columns_of(const std::vector<std::string>& key) {
  std::vector<std::string> columns = key;
  columns.insert(columns.end(), kColumns.begin(), kColumns.end());
  return columns;
}

std::shared_ptr<const Schema> schema_of(const std::vector<std::string>& key) {
  std::vector<ColumnKind> kinds(key.size(), ColumnKind::Text);
  for (const std::string& column : kColumns) {
    const bool number =
        column == "input_tokens" || column == "output_tokens" || column == "cost" || column == "rows";
    kinds.push_back(number ? ColumnKind::Number : ColumnKind::Text);
  }
  return std::make_shared<const Schema>(columns_of(key), std::move(kinds));
}

std::shared_ptr<store::LlmJournal> open_journal(RunContext& context, const SummarizeOptions& options) {
  auto journal = context.connections.llm_journal(context.state_dir);
  if (context.rehearsal != nullptr) return journal;
  journal->forget_answers(context.clock.wall_now() -
                          std::chrono::duration_cast<WallTime::duration>(options.keep_answers));
  return journal;
}

Summarize::Summarize(RunContext& context, SummarizeOptions options)
    : clock_(context.clock),
      bad_records_(context.bad_records),
      options_(std::move(options)),
      continuous_(context.continuous),
      journal_(open_journal(context, options_)),
      cuts_(journal_, context.job, options_),
      rehearsed_(context.rehearsal != nullptr),
      desk_(context.clock, context.connections.model(options_.connection), journal_,
            context.connections.relay(), context.monitor, options_.desk, context.job, context.run),
      tree_(desk_, options_),
      schema_(schema_of(options_.key)),
      windows_(options_.window, options_.key, Lines(options_.fields)),
      changed_(context.clock),
      inbox_(context.clock, 1) {
  desk_.rehearse(context.rehearsal);
}

// What is read is of no use any more; what is paid for is waited for, unless we are told to stop.  An open
// batch is not: it stays where it is.
Task<> Summarize::close() {
  struct Stop {
    Summarize& self;
    void operator()() const {
      self.asking_.request_stop();
      self.desk_.stop_now();
    }
  };
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  std::optional<std::stop_callback<Stop>> on_stop;
  if (stop != nullptr) on_stop.emplace(*stop, Stop{*this});
  inbox_.abandon();
  reading_.request_stop();
  co_await reading_.join();
  desk_.leave();
  co_await asking_.join();
  co_await desk_.close();
}

Task<> Summarize::read(coro::Channel<Batch>& inbox, coro::Signal& changed, bool& ended, Batches upstream) {
  std::exception_ptr error;
  try {
    while (true) {
      const bool wanted = co_await inbox.room();
      if (!wanted) break;
      auto batch = co_await upstream.next();
      if (!batch) break;
      inbox.put(std::move(*batch));
      changed.notify();
    }
  } catch (...) {
    error = std::current_exception();
  }
  inbox.close(std::move(error));
  ended = true;
  changed.notify();
}

Task<> Summarize::ask(Desk& desk, std::shared_ptr<Unit> unit, llm::Ask question, coro::Signal& changed) {
  try {
    unit->answer = co_await desk.answer(std::move(question));
  } catch (...) {
    unit->error = std::current_exception();
  }
  changed.notify();
}

std::shared_ptr<Unit> Summarize::unit_for(const Window& window) {
  llm::Ask question = options_.ask;
  question.system = options_.prompt.system();
  std::string key;
  for (const auto& value : window.values) key += (key.empty() ? "" : ", ") + value.value_or("");
  question.user = options_.prompt.user(window.data, window.rows, key);
  std::string id = unit_of(question);
  if (auto known = units_[id].lock()) return known;
  auto unit = std::make_shared<Unit>();
  units_[id] = unit;
  unit->id = std::move(id);
  if (tree_.needed(window.data.size(), key)) {
    asking_.spawn(ask_in_parts(tree_, unit, window.data, std::move(key), changed_));
  } else {
    asking_.spawn(ask(desk_, unit, std::move(question), changed_));
  }
  return unit;
}

Task<> Summarize::ask_in_parts(Tree& tree, std::shared_ptr<Unit> unit, std::string data, std::string key,
                               coro::Signal& changed) {
  try {
    unit->answer = co_await tree.answer(std::move(data), std::move(key));
  } catch (...) {
    unit->error = std::current_exception();
  }
  changed.notify();
}

void Summarize::begin(std::vector<Span> spans) {
  std::erase_if(units_, [](const auto& entry) { return entry.second.expired(); });
  if (remembers_) cuts_.remember(spans, clock_.wall_now());
  for (Span& span : spans) {
    Asked asked;
    for (Window& window : span.windows) {
      asked.bytes += window.data.size();
      asked.units.push_back(unit_for(window));
      window.data.clear();  // the question holds it
      window.data.shrink_to_fit();
    }
    bytes_asked_ += asked.bytes;
    asked.span = std::move(span);
    asked_.push_back(std::move(asked));
  }
}

// Whether another window may be asked about before the first one is answered.
bool Summarize::room() const {
  const BatchOptions& batch = options_.desk.batch;
  if (batch.mode == Mode::kStream) return waiting() < options_.desk.in_flight;
  return waiting() < batch.requests && bytes_asked_ < batch.bytes;
}

// Windows that are asked about.
std::size_t Summarize::waiting() const {
  std::size_t count = 0;
  for (const Asked& asked : asked_) count += asked.units.size();
  return count;
}

Batches Summarize::flow(Batches upstream) {
  struct Leave {
    Summarize& self;
    ~Leave() {
      self.inbox_.abandon();
      self.reading_.request_stop();
    }
  };
  const Leave leave{*this};
  reading_.spawn(read(inbox_, changed_, ended_, std::move(upstream)));
  bool quiet = false;  // the source has nothing more for the moment
  while (true) {
    if (!asked_.empty() && asked_.front().done()) {
      Batch batch = deliver(asked_.front());
      bytes_asked_ -= asked_.front().bytes;
      asked_.pop_front();
      co_yield std::move(batch);
      continue;
    }
    if (room() && (inbox_.size() != 0 || ended_)) {
      auto batch = co_await inbox_.receive();  // returns at once
      if (batch) {
        quiet = batch->caught_up();
        begin(windows_.add(*batch, clock_.now()));
        continue;
      }
      if (auto rest = windows_.close()) {
        begin(std::vector<Span>(1, std::move(*rest)));
        continue;
      }
      if (asked_.empty()) co_return;
    }
    const TimePoint due = windows_.due().value_or(TimePoint::max());
    TimePoint until = due;
    if (!quiet) until = std::min(until, from_now(clock_, kQuiet));
    desk_.more_to_come(room() && !ended_ && !quiet);
    const bool happened = co_await changed_.wait_until(until);
    desk_.more_to_come(true);
    if (happened) continue;
    quiet = true;
    if (clock_.now() < due) continue;
    if (auto rest = windows_.close()) begin(std::vector<Span>(1, std::move(*rest)));
  }
}

// True: the record is lost, as on_bad_record says.  Throws what concerns more than this window.
bool Summarize::take_error(const Asked& asked, std::size_t index) {
  const Unit& unit = *asked.units[index];
  if (!unit.error) return false;
  try {
    std::rethrow_exception(unit.error);
  } catch (const store::BudgetSpent& spent) {
    if (!spent.daily() || !continuous_) throw;
    // A job that goes on for ever waits for the next day.
    const WallTime now = clock_.wall_now();
    const auto tomorrow = std::chrono::ceil<std::chrono::days>(now + std::chrono::microseconds(1));
    throw Error(ErrorKind::Transient, spent.what())
        .with_retry_after(tomorrow - now)
        .with_connection(kNoServer);
  } catch (const Error& error) {
    if (error.kind() == ErrorKind::Transient) throw error.with_connection(options_.connection);
    if (error.kind() != ErrorKind::Data) throw;
    Batch record(schema_, asked.span.reached);
    append(record, asked, index);
    bad_records_.take(BadRecord{row_json(record, 0), error.what()});
  }
  return true;
}

void Summarize::append(Batch& batch, const Asked& asked, std::size_t index) {
  const Window& window = asked.span.windows[index];
  const Unit& unit = *asked.units[index];
  for (const auto& value : window.values) value ? batch.push_copy(*value) : batch.push_null();
  if (unit.answer) {
    const store::LlmUse& use = unit.answer->use;
    batch.keep_alive(asked.units[index]);
    batch.push(Cell(unit.answer->text));
    batch.push_copy(unit.answer->model);
    batch.push_copy(std::to_string(use.input));
    batch.push_copy(std::to_string(use.output));
    batch.push_copy(fmt::format("{:.6f}", static_cast<double>(use.cost) / 1e6));
  } else {
    for (int i = 0; i < 5; ++i) batch.push_null();
  }
  batch.push_copy(std::to_string(window.rows));
  batch.push_copy(asked.span.before.text());
  batch.push_copy(asked.span.reached.text());
  batch.push_copy(unit.id);
}

Batch Summarize::deliver(const Asked& asked) {
  Batch batch(schema_, asked.span.reached);
  batch.set_caught_up(asked.span.caught_up);
  for (std::size_t i = 0; i < asked.units.size(); ++i) {
    if (!take_error(asked, i)) append(batch, asked, i);
  }
  return batch;
}

Plan<Transform> plan_summarize(const config::Table& table, PlanContext& context) {
  SummarizeOptions options = read_summarize_options(table, context);
  context.stream.columns = columns_of(options.key);
  Plan<Transform> plan;
  plan.guarantees = {
      "An answer that was received whole is never asked for twice; an unchanged window costs nothing.",
      options.desk.on_ambiguous == OnAmbiguous::kHold
          ? "A request whose fate is unknown is not repeated before `syncctl llm resolve`."
          : "A request whose fate is unknown is repeated; `syncctl llm ambiguous` lists each.",
      "An answer that was cut, refused or truncated is never delivered as a summary."};
  if (options.desk.on_truncated == OnTruncated::kAccept)
    plan.guarantees.back() = "An answer that was cut or refused is never delivered as a summary.";
  plan.make = [options](RunContext& run) { return std::make_unique<Summarize>(run, options); };
  return plan;
}

}  // namespace

const TransformKind& summarize() {
  static const TransformKind kind{"summarize",
                                  "Asks a model about windows of rows: one row out for each window.",
                                  [] { return summarize_docs(); }, &plan_summarize};
  return kind;
}

}  // namespace syncd::jobs
