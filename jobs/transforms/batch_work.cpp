#include "jobs/transforms/batch_work.hpp"

#include "daemon/loop/worker.hpp"

namespace syncd::jobs {

Batches work_through(RunContext& run, std::unique_ptr<BatchWork> work, Batches upstream) {
  std::shared_ptr<loop::Worker> worker;
  std::vector<BadRecord> bad;
  while (auto batch = co_await upstream.next()) {
    bad.clear();
    bool pass = false;
    if (batch->bytes() <= work->at_once()) {
      pass = work->work(*batch, bad);
    } else {
      if (!worker) worker = run.worker();
      auto call = worker->call([&] { return work->work(*batch, bad); });
      pass = co_await call;
    }
    for (const BadRecord& record : bad) run.bad_records.take(record);
    if (pass) co_yield std::move(*batch);
  }
  work->ended(run.monitor);
}

}  // namespace syncd::jobs
