// What all Redis sinks share: their options, the look at the server, the lease of a connection and the
// cutting of batches into commits.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "config/fields.hpp"
#include "daemon/redis/pool.hpp"
#include "jobs/component.hpp"
#include "jobs/predicate.hpp"
#include "jobs/sinks/redis_checkpoint.hpp"
#include "jobs/template.hpp"

namespace syncd::jobs {

struct RedisOptions {
  std::string connection;
  std::uint32_t max_operations = 1000;
  config::Bytes max_bytes = config::Bytes(1024 * 1024);
};
const config::Fields<RedisOptions>& redis_option_fields();

struct RedisRetention {
  std::optional<std::chrono::nanoseconds> ttl;
};
const config::Fields<RedisRetention>& redis_retention_fields();

struct RedisDelete {
  std::optional<PredicateOptions> delete_if;
};
const config::Fields<RedisDelete>& redis_delete_fields();

// --- reading options; findings go to the table ---------------------------------------------------------

// The template of a key or a member: must name a column, or be `constant_ok`, and be unambiguous.
Template read_key_template(const config::Table& table, const char* key, const std::string& text,
                           const PlanContext& context, bool constant_ok = false);
std::optional<Predicate> read_delete_rule(const config::Table& table, const RedisDelete& options,
                                          const PlanContext& context);

// "PX" value for a TTL.
std::string milliseconds(std::chrono::nanoseconds ttl);

// --- the sink's base -----------------------------------------------------------------------------------

// Unless all went well, nobody knows what the connection is in the middle of.
class CloseUnlessDone {
 public:
  explicit CloseUnlessDone(redis::Connection& connection) : connection_(&connection) {}
  CloseUnlessDone(const CloseUnlessDone&) = delete;
  CloseUnlessDone& operator=(const CloseUnlessDone&) = delete;
  ~CloseUnlessDone() {
    if (connection_ != nullptr) connection_->close();
  }
  void done() noexcept { connection_ = nullptr; }

 private:
  redis::Connection* connection_;
};

class RedisSink : public Sink {
 public:
  RedisSink(RedisOptions options, RunContext& context);

  Task<CheckNotes> check() override;
  Task<std::optional<Positions>> open() override;
  Task<std::optional<Positions>> recall() override;
  Task<> assign(const Positions& positions) override;
  void look_ahead(std::function<const Batch*()> next) override { upcoming_ = std::move(next); }

 protected:
  // What has been sent of a batch before its commit: it counts with its own batch.
  struct Begun {
    Begun(redis::Connection& connection, const Cell* first_in) : open(connection), first(first_in) {}
    CloseUnlessDone open;  // a MULTI without its EXEC
    const Cell* first;     // of the batch
  };
  // The batch after this one, if it is there and may be begun.
  const Batch* following(const Batch& batch) const;
  // It is this batch that was begun.
  bool begun(const Batch& batch) const { return begun_ && begun_->first == batch.row(0); }
  // True: a batch was begun.  From here on the caller closes what stays unfinished.
  bool take_begun();

  // Precondition: open() was called.
  redis::Connection& connection() { return **lease_; }

  RedisOptions options_;
  RunContext& context_;
  RedisCheckpoint checkpoint_;
  std::shared_ptr<const Schema> bound_;  // of the batches whose rows are understood
  Positions saved_;                      // as Redis has them
  Positions unsaved_;                    // reached, but not yet in Redis
  TimePoint renewed_{};                  // the lease

 private:
  redis::Pool& pool_;
  std::optional<redis::Pool::Lease> lease_;
  std::function<const Batch*()> upcoming_;

 protected:
  std::optional<Begun> begun_;  // behind the lease: the connection is closed before it goes back
};

}  // namespace syncd::jobs
