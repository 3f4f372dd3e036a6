#include "daemon/store/llm_journal.hpp"

#include <fmt/format.h>

#include <array>
#include <random>

#include "daemon/base/crash_point.hpp"

namespace syncd::store {
namespace {

// Forward only; entry n brings a journal of version n to version n+1.
constexpr std::array<const char*, 3> kJournalMigrations = {
    "CREATE TABLE answers (unit TEXT PRIMARY KEY, text TEXT NOT NULL, model TEXT NOT NULL,"
    "  input INTEGER NOT NULL, output INTEGER NOT NULL, cost INTEGER NOT NULL, time_us INTEGER NOT NULL)"
    "  STRICT, WITHOUT ROWID;"
    "CREATE TABLE requests (id INTEGER PRIMARY KEY, unit TEXT NOT NULL, job TEXT NOT NULL, run TEXT NOT NULL,"
    "  day TEXT NOT NULL, model TEXT NOT NULL, process TEXT NOT NULL, sent_us INTEGER NOT NULL,"
    "  ended_us INTEGER, state TEXT NOT NULL, why TEXT NOT NULL DEFAULT '', input INTEGER NOT NULL,"
    "  output INTEGER NOT NULL, cost INTEGER NOT NULL, resolved INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX requests_by_day ON requests (job, day);"
    "CREATE INDEX requests_by_run ON requests (job, run);"
    "CREATE INDEX requests_of_a_day ON requests (day);"
    "CREATE INDEX doubts ON requests (unit) WHERE state = 'doubt' AND resolved = 0;"
    "CREATE INDEX open_requests ON requests (process) WHERE state = 'sent';",
    "CREATE TABLE batches (id INTEGER PRIMARY KEY, job TEXT NOT NULL, connection TEXT NOT NULL,"
    "  marker TEXT NOT NULL UNIQUE, vendor_id TEXT NOT NULL DEFAULT '', state TEXT NOT NULL,"
    "  since_us INTEGER NOT NULL, ended_us INTEGER, requests INTEGER NOT NULL, why TEXT NOT NULL DEFAULT '')"
    "  STRICT;"
    "CREATE INDEX open_batches ON batches (job) WHERE ended_us IS NULL;"
    "CREATE INDEX batches_by_vendor ON batches (vendor_id);"
    "ALTER TABLE requests ADD COLUMN batch INTEGER;"
    "CREATE INDEX batched ON requests (batch, unit) WHERE batch IS NOT NULL;"
    "CREATE INDEX batched_units ON requests (unit) WHERE state = 'batched';",
    "CREATE TABLE cuts (shape TEXT NOT NULL, partition TEXT NOT NULL, before TEXT NOT NULL,"
    "  reached TEXT NOT NULL, rows INTEGER NOT NULL, time_us INTEGER NOT NULL,"
    "  PRIMARY KEY (shape, partition, before)) STRICT, WITHOUT ROWID;"};

// Tells our own open requests from those that an earlier process left behind.
const std::string& process() {
  static const std::string name = [] {
    std::random_device device;
    return fmt::format("{:08x}{:08x}", device(), device());
  }();
  return name;
}

std::string money(std::int64_t millionths) {
  return fmt::format("{:.4f}", static_cast<double>(millionths) / 1e6);
}

}  // namespace

LlmJournal::LlmJournal(const std::filesystem::path& file) : handle_(sqlite::open(file)) {
  if (!sqlite::intact(handle_)) {
    throw Error(
        ErrorKind::Permanent,
        fmt::format("opening {}: it is damaged; it holds what was paid for, so it is not replaced: put back "
                    "a copy, or move it away",
                    file.string()));
  }
  sqlite::execute(handle_.get(), "PRAGMA synchronous=FULL");
  sqlite::Transaction transaction(handle_);
  sqlite::migrate(handle_, file.string(), kJournalMigrations);
  sqlite::Statement orphans(
      handle_,
      "UPDATE requests SET state = 'doubt', why = 'syncd ended while the answer was awaited'"
      " WHERE state = 'sent' AND process <> ?");
  orphans.bind(process()).step();
  transaction.commit();
}

std::optional<LlmAnswer> LlmJournal::find(const std::string& unit) {
  sqlite::Statement select(handle_, "SELECT text, model, input, output, cost FROM answers WHERE unit = ?");
  select.bind(unit);
  if (!select.step()) return std::nullopt;
  return LlmAnswer{select.text(0), select.text(1),
                   LlmUse{select.count(2), select.count(3), select.number(4)}};
}

// A clock that goes back opens no day that was spent already.
std::string LlmJournal::day(WallTime now) {
  const std::string today = rfc3339(now).substr(0, 10);
  sqlite::Statement select(handle_, "SELECT coalesce(max(day), '') FROM requests");
  select.step();
  return std::max(today, select.text(0));
}

LlmJournal::Spent LlmJournal::spent(const std::string& job, const std::string& run, const LlmBudget& budget,
                                    WallTime now) {
  Spent spent{{}, {}, day(now)};
  const auto sum = [&](const std::string& column, const std::string& value, LlmUse& into) {
    sqlite::Statement select(handle_,
                             "SELECT coalesce(sum(input + output), 0), coalesce(sum(cost), 0) FROM requests"
                             " WHERE job = ? AND " +
                                 column + " = ?");
    select.bind(job).bind(value).step();
    into = {select.count(0), 0, select.number(1)};
  };
  if (budget.tokens_per_run || budget.cost_per_run) sum("run", run, spent.run);
  if (budget.tokens_per_day || budget.cost_per_day) sum("day", spent.today, spent.day);
  return spent;
}

void LlmJournal::check(const LlmUse& wanted, const LlmBudget& budget, const Spent& spent) {
  const auto limit = [&](std::optional<std::uint64_t> tokens, std::optional<std::int64_t> cost,
                         const LlmUse& used, const std::string& whose, bool daily) {
    const std::uint64_t more = wanted.input + wanted.output;
    if (tokens && used.input + more > *tokens) {
      throw BudgetSpent(fmt::format("the budget of {} tokens for {} is spent: {} used, about {} wanted",
                                    human_count(*tokens), whose, human_count(used.input), human_count(more)),
                        daily);
    }
    if (cost && used.cost + wanted.cost > *cost) {
      throw BudgetSpent(fmt::format("the budget of {} for {} is spent: {} used, about {} wanted",
                                    money(*cost), whose, money(used.cost), money(wanted.cost)),
                        daily);
    }
  };
  limit(budget.tokens_per_run, budget.cost_per_run, spent.run, "this run", false);
  limit(budget.tokens_per_day, budget.cost_per_day, spent.day, spent.today, true);
}

// Throws HeldBack where the unit is in doubt.
void LlmJournal::refuse_held(const std::string& unit) {
  sqlite::Statement doubt(handle_,
                          "SELECT id FROM requests WHERE unit = ? AND state = 'doubt' AND resolved = 0");
  doubt.bind(unit);
  if (!doubt.step()) return;
  throw HeldBack(fmt::format("request {} was sent and its fate is unknown; `syncctl llm resolve {}` goes on",
                             doubt.number(0), doubt.number(0)));
}

std::int64_t LlmJournal::insert(const LlmRequest& request, const std::string& day, const char* state,
                                std::optional<std::int64_t> batch, WallTime now) {
  sqlite::Statement insert(
      handle_,
      "INSERT INTO requests (unit, job, run, day, model, process, sent_us, state, input, output, cost, batch)"
      " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  insert.bind(request.unit).bind(request.job).bind(request.run).bind(day).bind(request.model).bind(process());
  insert.bind(now).bind(std::string(state)).bind(request.estimate.input).bind(request.estimate.output);
  insert.bind(request.estimate.cost).bind(batch).step();
  return sqlite3_last_insert_rowid(handle_.get());
}

void LlmJournal::require_room(const LlmRequest& request, const LlmBudget& budget, WallTime now) {
  check(request.estimate, budget, spent(request.job, request.run, budget, now));
}

std::int64_t LlmJournal::begin(const LlmRequest& request, const LlmBudget& budget, bool hold, WallTime now) {
  sqlite::Transaction transaction(handle_);
  if (hold) refuse_held(request.unit);
  const Spent used = spent(request.job, request.run, budget, now);
  check(request.estimate, budget, used);
  const std::int64_t id = insert(request, used.today, "sent", std::nullopt, now);
  transaction.commit();
  crash_point("llm_request_written");
  return id;
}

// `use` null: the estimate goes on counting.
void LlmJournal::end(std::int64_t id, const char* state, const std::string& why, const LlmUse* use,
                     WallTime now) {
  sqlite::Statement update(handle_, "UPDATE requests SET state = ?, why = ?, ended_us = ? WHERE id = ?");
  update.bind(std::string(state)).bind(why).bind(now).bind(id).step();
  if (use == nullptr) return;
  sqlite::Statement count(handle_,
                          "UPDATE requests SET input = ?, output = ?, cost = ? WHERE id = ? RETURNING job");
  if (!count.bind(use->input).bind(use->output).bind(use->cost).bind(id).step()) return;
  LlmUse& sum = used_[count.text(0)];
  sum.input += use->input;
  sum.output += use->output;
  sum.cost += use->cost;
}

void LlmJournal::keep(std::int64_t id, const LlmAnswer& answer, WallTime now) {
  sqlite::Statement insert(handle_,
                           "INSERT OR REPLACE INTO answers (unit, text, model, input, output, cost, time_us)"
                           " SELECT unit, ?, ?, ?, ?, ?, ? FROM requests WHERE id = ?");
  insert.bind_lent(answer.text)
      .bind(answer.model)
      .bind(answer.use.input)
      .bind(answer.use.output)
      .bind(answer.use.cost);
  insert.bind(now).bind(id).step();
  end(id, "answered", "", &answer.use, now);
}

void LlmJournal::answered(std::int64_t id, const LlmAnswer& answer, WallTime now) {
  crash_point("llm_before_answer_written");
  sqlite::Transaction transaction(handle_);
  keep(id, answer, now);
  transaction.commit();
  crash_point("llm_answer_written");
}

void LlmJournal::failed(std::int64_t id, const std::string& why, const LlmUse& use, WallTime now) {
  sqlite::Transaction transaction(handle_);
  end(id, "failed", why, &use, now);
  transaction.commit();
}

void LlmJournal::in_doubt(std::int64_t id, const std::string& why, WallTime now) {
  end(id, "doubt", why, nullptr, now);
}

std::vector<LlmDoubt> LlmJournal::doubts(const std::string& job) {
  sqlite::Statement select(handle_,
                           "SELECT id, job, model, unit, sent_us, why, input, output, cost FROM requests"
                           " WHERE state = 'doubt' AND resolved = 0 AND (? = '' OR job = ?) ORDER BY id");
  select.bind(job).bind(job);
  std::vector<LlmDoubt> found;
  while (select.step()) {
    found.push_back({select.number(0), select.text(1), select.text(2), select.text(3),
                     WallTime(WallTime::duration(select.number(4))), select.text(5),
                     LlmUse{select.count(6), select.count(7), select.number(8)}});
  }
  return found;
}

bool LlmJournal::resolve(std::int64_t id, bool paid) {
  sqlite::Statement update(
      handle_, paid ? "UPDATE requests SET resolved = 1 WHERE id = ? AND state = 'doubt' AND resolved = 0"
                    : "UPDATE requests SET resolved = 1, input = 0, output = 0, cost = 0"
                      " WHERE id = ? AND state = 'doubt' AND resolved = 0");
  update.bind(id).step();
  return sqlite3_changes(handle_.get()) != 0;
}

std::vector<LlmSpending> LlmJournal::spending(const std::string& job, std::uint64_t days) {
  sqlite::Statement select(
      handle_,
      "SELECT job, day, count(*), sum(state = 'doubt' AND resolved = 0), sum(input), sum(output),"
      " sum(cost) FROM requests WHERE (? = '' OR job = ?) AND day IN"
      " (SELECT DISTINCT day FROM requests ORDER BY day DESC LIMIT ?)"
      " GROUP BY day, job ORDER BY day DESC, job");
  select.bind(job).bind(job).bind(days);
  std::vector<LlmSpending> found;
  while (select.step()) {
    found.push_back({select.text(0), select.text(1), select.count(2), select.count(3),
                     LlmUse{select.count(4), select.count(5), select.number(6)}});
  }
  return found;
}

void LlmJournal::forget_answers(WallTime before) {
  sqlite::Statement erase(handle_, "DELETE FROM answers WHERE time_us < ?");
  erase.bind(before).step();
  sqlite::Statement cuts(handle_, "DELETE FROM cuts WHERE time_us < ?");
  cuts.bind(before).step();
}

void LlmJournal::remember_cuts(const std::string& shape, const std::vector<LlmCut>& cuts, WallTime now) {
  if (cuts.empty()) return;
  sqlite::Transaction transaction(handle_);
  for (const LlmCut& cut : cuts) {
    sqlite::Statement insert(handle_,
                             "INSERT OR REPLACE INTO cuts (shape, partition, before, reached, rows, time_us)"
                             " VALUES (?, ?, ?, ?, ?, ?)");
    insert.bind(shape).bind(cut.partition).bind(cut.before).bind(cut.reached).bind(cut.rows).bind(now);
    insert.step();
  }
  transaction.commit();
  crash_point("llm_cuts_written");
}

std::optional<LlmCut> LlmJournal::cut_at(const std::string& shape, const std::string& partition,
                                         const std::string& before) {
  sqlite::Statement select(handle_,
                           "SELECT reached, rows FROM cuts WHERE shape = ? AND partition = ? AND before = ?");
  select.bind(shape).bind(partition).bind(before);
  if (!select.step()) return std::nullopt;
  return LlmCut{partition, before, select.text(0), select.count(1)};
}

}  // namespace syncd::store
