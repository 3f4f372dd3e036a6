#include "jobs/transforms/summarize_options.hpp"

#include <fmt/format.h>

#include <cmath>

#include "config/suggest.hpp"
#include "daemon/schedule/schedule.hpp"
#include "jobs/columns.hpp"
#include "jobs/llm/vendors.hpp"

namespace syncd::jobs {
namespace {

struct WindowOptions {
  std::uint32_t rows = 1000;
  config::Bytes bytes = config::Bytes::kib(256);
  std::optional<std::uint32_t> tokens;
  std::optional<std::chrono::nanoseconds> time;
};

struct BudgetOptions {
  std::optional<std::uint64_t> tokens_per_run;
  std::optional<std::uint64_t> tokens_per_day;
  std::optional<double> money_per_run;
  std::optional<double> money_per_day;
};

struct RawBatch {
  std::uint32_t requests = BatchOptions().requests;
  config::Bytes bytes = config::Bytes(BatchOptions().bytes);
  std::uint32_t auto_from = BatchOptions().auto_from;
  config::DurationRange poll = BatchOptions().poll;
};

// As they stand in the file.
struct Raw {
  std::string connection;
  std::string model;
  std::string system;
  std::string user;
  std::string combine;
  std::string schema;
  config::OrderedStrings variables;
  std::optional<std::uint32_t> context;
  std::uint32_t max_tokens = 1024;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::vector<std::string> stop;
  std::vector<std::string> fields;
  std::vector<std::string> key;
  WindowOptions window;
  BudgetOptions budget;
  OnAmbiguous on_ambiguous = OnAmbiguous::kRetry;
  OnTruncated on_truncated = OnTruncated::kBadRecord;
  std::uint32_t attempts = 4;
  std::chrono::nanoseconds longest_wait = std::chrono::minutes(5);
  std::uint32_t in_flight = 4;
  Mode mode = Mode::kStream;
  RawBatch batch;
  std::chrono::nanoseconds keep_answers = std::chrono::hours(24 * 90);
};

const config::Fields<WindowOptions>& window_fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<WindowOptions>()
          .add("rows", &WindowOptions::rows, "rows in a window at most")
          .range(1, 1'000'000)
          .add("bytes", &WindowOptions::bytes, "text in a window at most; a larger single row goes alone")
          .range(config::Bytes(1), config::Bytes::mib(16))
          .add("tokens", &WindowOptions::tokens, "tokens in a window at most, estimated at three bytes each")
          .range(1, 10'000'000)
          .example("8000")
          .add("time", &WindowOptions::time,
               "how long rows wait for others; without it, until the source has no more for the moment")
          .range(1s, 24h)
          .example("10m");
  return all;
}

const config::Fields<BudgetOptions>& budget_fields() {
  static const auto all =
      config::Fields<BudgetOptions>()
          .add("tokens_per_run", &BudgetOptions::tokens_per_run,
               "tokens of one run at most, both ways together")
          .add("tokens_per_day", &BudgetOptions::tokens_per_day, "tokens of one day (UTC) at most")
          .example("2000000")
          .add("money_per_run", &BudgetOptions::money_per_run,
               "what one run may cost, in the currency of the connection's `prices`")
          .at_least(0.0)
          .add("money_per_day", &BudgetOptions::money_per_day, "what one day (UTC) may cost")
          .at_least(0.0)
          .example("5.0");
  return all;
}

const config::Fields<RawBatch>& batch_fields() {
  static const auto all =
      config::Fields<RawBatch>()
          .add("requests", &RawBatch::requests, "windows in a batch at most; what waits is held in memory")
          .range(1, 100'000)
          .add("bytes", &RawBatch::bytes, "text in a batch at most")
          .range(config::Bytes::kib(1), config::Bytes::mib(200))
          .add("auto_from", &RawBatch::auto_from, "with mode \"auto\": fewer windows are streamed")
          .range(1, 100'000)
          .add("poll", &RawBatch::poll,
               "how often an open batch is looked at, first and later; one whose creation was not confirmed "
               "is "
               "looked for at least as long as the second");
  return all;
}

const config::Fields<Raw>& fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<Raw>()
          .required("connection", &Raw::connection, "a connection to a model; its type may be any vendor's")
          .required("model", &Raw::model, "the model's name, as the vendor writes it")
          .add("system", &Raw::system,
               "the part of the prompt that gives orders: a mustache template without data")
          .required("user", &Raw::user,
                    "the part that carries the data: a mustache template with {{data}}, and with {{rows}} "
                    "and {{key}}")
          .example("Summarise these errors in five lines.\\n{{data}}")
          .add("context", &Raw::context,
               "tokens of a prompt at most, estimated: a larger window is summarised in parts, then the "
               "answers to the parts, until one is left")
          .range(256, 10'000'000)
          .example("100000")
          .add("combine", &Raw::combine,
               "the part that carries the answers to the parts: a mustache template as `user`, which it is "
               "where this is absent")
          .example("These are summaries of parts. Make one of them, in five lines.\\n{{data}}")
          .add(
              "schema", &Raw::schema,
              "a JSON schema: an answer that is no JSON or does not meet it goes where `on_bad_record` says; "
              "it is not sent, so the prompt must say what is wanted")
          .example("{\\\"type\\\": \\\"object\\\", \\\"required\\\": [\\\"cause\\\"]}")
          .add("variables", &Raw::variables, "values of your own for both templates")
          .add("max_tokens", &Raw::max_tokens, "tokens of an answer at most")
          .range(1, 1'000'000)
          .add("temperature", &Raw::temperature, "left to the model where it is absent")
          .range(0.0, 2.0)
          .add("top_p", &Raw::top_p, "left to the model where it is absent")
          .range(0.0, 1.0)
          .add("stop", &Raw::stop, "texts that end an answer")
          .add("fields", &Raw::fields, "columns that are sent, all by default; a row is one line of JSON")
          .add("key", &Raw::key,
               "rows that differ in these columns go into different windows; they stay columns")
          .add("window", &Raw::window, window_fields(), "what is summarised together")
          .add("budget", &Raw::budget, budget_fields(), "no request is sent that could exceed it")
          .add("on_ambiguous", &Raw::on_ambiguous,
               "a request was sent and nobody knows whether it must be paid: ask again, or wait for `syncctl "
               "llm resolve`")
          .add("on_truncated", &Raw::on_truncated,
               "an answer met its limit: as on_bad_record says, once more with four times max_tokens, or as "
               "it is")
          .add("attempts", &Raw::attempts, "requests for one window at most, before the job's own retry")
          .range(1, 20)
          .add("longest_wait", &Raw::longest_wait, "a vendor that asks for more patience ends the attempt")
          .range(1s, 24h)
          .add("in_flight", &Raw::in_flight, "windows that are asked about at once")
          .range(1, 256)
          .add("mode", &Raw::mode,
               "each window at once; all of them together for less money, within a day; or whichever the "
               "schedule and the number of windows allow")
          .add("batch", &Raw::batch, batch_fields(), "what is asked together")
          .add("keep_answers", &Raw::keep_answers, "an unchanged window costs nothing for so long")
          .range(1h, 24h * 3650);
  return all;
}

std::optional<std::int64_t> millionths(std::optional<double> money) {
  if (!money) return std::nullopt;
  return static_cast<std::int64_t>(std::floor(*money * 1e6));
}

// A connection of any vendor's type, with a price where money counts.
void check_connection(const config::Table& table, const PlanContext& context, const Raw& raw) {
  if (table.refused("connection")) return;
  std::vector<std::string> models;
  for (const auto& [name, connection] : context.config.connections) {
    if (llm::find_vendor(connection.type) != nullptr) models.push_back(name);
  }
  const auto found = context.config.connections.find(raw.connection);
  if (found == context.config.connections.end()) {
    table.fail("connection", config::unknown_text("connection to a model", raw.connection, models));
    return;
  }
  const config::Connection& connection = found->second;
  if (llm::find_vendor(connection.type) == nullptr) {
    table.fail("connection", fmt::format("connection {} is of type {}, a model's is needed",
                                         config::quoted(raw.connection), config::quoted(connection.type)));
    return;
  }
  if (!raw.budget.money_per_run && !raw.budget.money_per_day) return;
  const auto prices = connection.table.table("prices");
  if (!prices || !prices->has(raw.model)) {
    table.fail("budget", fmt::format("a budget in money needs the price of {} in 'prices' of connection {}",
                                     config::quoted(raw.model), config::quoted(raw.connection)));
  }
}

// Whether the schedule lets a run wait for hours: no run is due meanwhile that would be left out, and none is
// cut off.
bool lets_wait(const config::Job& job) {
  using namespace std::chrono_literals;
  if (job.timeout.count() != 0 && job.timeout < 24h) return false;
  try {
    const auto schedule = schedule::Schedule::parse(job.schedule);
    if (schedule.kind() == schedule::Schedule::Kind::Continuous) return false;
    const auto first = schedule.next_after(WallTime());
    const auto second = first ? schedule.next_after(*first) : std::nullopt;
    return !second || *second - *first >= 1h;
  } catch (const config::ValueError&) {
    return false;  // told where the schedule is read
  }
}

std::shared_ptr<const JsonSchema> schema_of(const config::Table& table, const std::string& text) {
  if (text.empty()) return nullptr;
  try {
    return std::make_shared<const JsonSchema>(text);
  } catch (const Error& error) {
    table.fail("schema", std::string("'schema' ") + error.what());
    return nullptr;
  }
}

// Parts and the answers to them must fit, or nothing would ever be left of it.
void check_context(const config::Table& table, const Raw& raw, const SummarizeOptions& options) {
  if (!options.context) {
    if (!raw.combine.empty())
      table.fail("combine", "'combine' is for windows above 'context', which is absent");
    return;
  }
  const std::string wrong = options.combine.wrong_user();
  if (!wrong.empty()) {
    if (!raw.combine.empty()) table.fail("combine", "'combine' " + wrong);
    return;
  }
  const std::size_t longest =
      std::max(options.prompt.user("", 0, "").size(), options.combine.user("", 0, "").size());
  const std::uint64_t least =
      estimated_tokens(options.prompt.system().size() + longest) + std::uint64_t{4} * raw.max_tokens;
  if (*options.context >= least) return;
  table.fail("context", fmt::format("'context' must have room for the prompt and four answers: {} at least",
                                    human_count(least)));
}

void check_prompt(const config::Table& table, const Prompt& prompt) {
  const std::string system = prompt.wrong_system();
  const std::string user = prompt.wrong_user();
  if (!system.empty() && !table.refused("system")) table.fail("system", "'system' " + system);
  if (!user.empty() && !table.refused("user")) table.fail("user", "'user' " + user);
}

}  // namespace

std::vector<config::FieldDoc> summarize_docs() { return fields().docs(); }

SummarizeOptions read_summarize_options(const config::Table& table, const PlanContext& context) {
  Raw raw;
  fields().read(table, raw);
  check_connection(table, context, raw);
  check_columns(table, "fields", context.stream, raw.fields);
  check_columns(table, "key", context.stream, raw.key);
  SummarizeOptions options;
  options.prompt = Prompt(raw.system, raw.user, raw.variables);
  options.combine = Prompt(raw.system, raw.combine.empty() ? raw.user : raw.combine, raw.variables);
  options.context = raw.context;
  check_prompt(table, options.prompt);
  check_context(table, raw, options);
  options.connection = raw.connection;
  options.ask.model = raw.model;
  options.ask.max_tokens = raw.max_tokens;
  options.ask.temperature = raw.temperature;
  options.ask.top_p = raw.top_p;
  options.ask.stop = raw.stop;
  options.ask.schema = raw.schema;
  options.desk.schema = schema_of(table, raw.schema);
  options.fields = raw.fields;
  options.key = raw.key;
  options.window.rows = raw.window.rows;
  options.window.bytes = raw.window.bytes.count();
  options.window.tokens = raw.window.tokens;
  options.window.time = raw.window.time;
  options.desk.budget = {raw.budget.tokens_per_run, raw.budget.tokens_per_day,
                         millionths(raw.budget.money_per_run), millionths(raw.budget.money_per_day)};
  options.desk.on_ambiguous = raw.on_ambiguous;
  options.desk.on_truncated = raw.on_truncated;
  options.desk.attempts = raw.attempts;
  options.desk.longest_wait = raw.longest_wait;
  options.desk.in_flight = raw.in_flight;
  options.desk.batch = {
      raw.mode,      lets_wait(context.job), raw.batch.requests, raw.batch.bytes.count(), raw.batch.auto_from,
      raw.batch.poll};
  options.keep_answers = raw.keep_answers;
  return options;
}

}  // namespace syncd::jobs
