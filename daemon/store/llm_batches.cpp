// The journal of batches: what was asked together, and how far that is.
#include "daemon/base/crash_point.hpp"
#include "daemon/store/llm_journal.hpp"

namespace syncd::store {
namespace {

LlmBatch::State state_of(const std::string& word) {
  if (word == "open") return LlmBatch::State::Open;
  return word == "creating" ? LlmBatch::State::Creating : LlmBatch::State::Planned;
}

void add(LlmUse& sum, const LlmUse& use) {
  sum.input += use.input + use.output;
  sum.cost += use.cost;
}

}  // namespace

LlmPlan LlmJournal::plan_batch(const std::string& connection, const std::string& marker,
                               const std::vector<LlmRequest>& requests, const LlmBudget& budget, bool hold,
                               WallTime now) {
  LlmPlan plan;
  if (requests.empty()) return plan;
  sqlite::Transaction transaction(handle_);
  const LlmRequest& first = requests.front();
  Spent used = spent(first.job, first.run, budget, now);
  sqlite::Statement batch(handle_,
                          "INSERT INTO batches (job, connection, marker, state, since_us, requests)"
                          " VALUES (?, ?, ?, 'planned', ?, 0)");
  batch.bind(first.job).bind(connection).bind(marker).bind(now).step();
  LlmBatch made{sqlite3_last_insert_rowid(handle_.get()),
                first.job,
                connection,
                marker,
                "",
                LlmBatch::State::Planned,
                now,
                0};
  for (const LlmRequest& request : requests) {
    plan.refused.emplace_back();
    plan.later.push_back(false);
    try {
      if (hold) refuse_held(request.unit);
      check(request.estimate, budget, used);
    } catch (const BudgetSpent&) {
      plan.refused.back() = std::current_exception();
      plan.later.back() = made.requests != 0;
      continue;
    } catch (const Error&) {
      plan.refused.back() = std::current_exception();
      continue;
    }
    insert(request, used.today, "batched", made.id, now);
    add(used.run, request.estimate);
    add(used.day, request.estimate);
    ++made.requests;
  }
  if (made.requests == 0) return plan;  // and the transaction is taken back
  sqlite::Statement count(handle_, "UPDATE batches SET requests = ? WHERE id = ?");
  count.bind(made.requests).bind(made.id).step();
  transaction.commit();
  crash_point("llm_batch_planned");
  plan.batch = std::move(made);
  return plan;
}

void LlmJournal::creating(LlmBatch& batch, WallTime now) {
  sqlite::Statement update(handle_, "UPDATE batches SET state = 'creating', since_us = ? WHERE id = ?");
  update.bind(now).bind(batch.id).step();
  batch.state = LlmBatch::State::Creating;
  batch.since = now;
  crash_point("llm_batch_creating");
}

void LlmJournal::opened(LlmBatch& batch, const std::string& vendor_id) {
  crash_point("llm_batch_created");
  sqlite::Statement update(handle_, "UPDATE batches SET state = 'open', vendor_id = ? WHERE id = ?");
  update.bind(vendor_id).bind(batch.id).step();
  batch.state = LlmBatch::State::Open;
  batch.vendor_id = vendor_id;
  crash_point("llm_batch_opened");
}

std::vector<LlmBatch> LlmJournal::open_batches(const std::string& job) {
  sqlite::Statement select(handle_,
                           "SELECT id, job, connection, marker, vendor_id, state, since_us, requests"
                           " FROM batches WHERE job = ? AND ended_us IS NULL ORDER BY id");
  select.bind(job);
  std::vector<LlmBatch> found;
  while (select.step()) {
    found.push_back({select.number(0), select.text(1), select.text(2), select.text(3), select.text(4),
                     state_of(select.text(5)), select.time(6), select.count(7)});
  }
  return found;
}

bool LlmJournal::knows_batch(const std::string& connection, const std::string& vendor_id) {
  sqlite::Statement select(handle_, "SELECT 1 FROM batches WHERE vendor_id = ? AND connection = ?");
  select.bind(vendor_id).bind(connection);
  return select.step();
}

bool LlmJournal::in_batch(const std::string& unit) {
  sqlite::Statement select(handle_, "SELECT 1 FROM requests WHERE unit = ? AND state = 'batched'");
  select.bind(unit);
  return select.step();
}

std::optional<LlmBatched> LlmJournal::batched(const LlmBatch& batch, const std::string& unit_prefix) {
  sqlite::Statement select(handle_,
                           "SELECT id, unit, model, input, output, cost FROM requests"
                           " WHERE batch = ? AND unit >= ? AND unit < ? AND state = 'batched'");
  select.bind(batch.id).bind(unit_prefix).bind(unit_prefix + "~");
  if (!select.step()) return std::nullopt;
  return LlmBatched{select.number(0), select.text(1), select.text(2),
                    LlmUse{select.count(3), select.count(4), select.number(5)}};
}

void LlmJournal::settle(const std::vector<LlmSettled>& settled, WallTime now) {
  crash_point("llm_batch_results_read");
  sqlite::Transaction transaction(handle_);
  for (const LlmSettled& one : settled) {
    if (one.answer) {
      keep(one.id, *one.answer, now);
    } else {
      end(one.id, "failed", one.why, &one.use, now);
    }
  }
  transaction.commit();
  crash_point("llm_batch_results_written");
}

std::uint64_t LlmJournal::unsettled(const LlmBatch& batch) {
  sqlite::Statement select(handle_, "SELECT count(*) FROM requests WHERE batch = ? AND state = 'batched'");
  select.bind(batch.id).step();
  return select.count(0);
}

void LlmJournal::end_batch(const LlmBatch& batch, bool doubt, const std::string& why, WallTime now) {
  crash_point("llm_batch_before_end");
  sqlite::Transaction transaction(handle_);
  sqlite::Statement rest(
      handle_, doubt ? "UPDATE requests SET state = 'doubt', why = ?, ended_us = ?"
                       " WHERE batch = ? AND state = 'batched'"
                     : "UPDATE requests SET state = 'failed', why = ?, ended_us = ?, input = 0, output = 0,"
                       " cost = 0 WHERE batch = ? AND state = 'batched'");
  rest.bind(why).bind(now).bind(batch.id).step();
  sqlite::Statement end(handle_, "UPDATE batches SET ended_us = ?, why = ? WHERE id = ?");
  end.bind(now).bind(why).bind(batch.id).step();
  transaction.commit();
  crash_point("llm_batch_ended");
}

}  // namespace syncd::store
