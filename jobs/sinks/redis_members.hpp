// One member per row of a set or a sorted set: what redis_set and redis_sorted_set have in common.
#pragma once
#include "jobs/sinks/redis_exec.hpp"

namespace syncd::jobs {

class MemberRows final : public RowCommands {
 public:
  // `score`: the column of a sorted set's scores; "" for a plain set.
  MemberRows(Template key, Template member, std::string score, std::optional<Predicate> remove,
             std::optional<std::chrono::nanoseconds> ttl)
      : key_(std::move(key), "key"),
        member_(std::move(member), "member"),
        score_(std::move(score)),
        remove_(std::move(remove)) {
    if (ttl) ttl_ = milliseconds(*ttl);
  }

  void bind(const Schema& schema) override {
    key_.bind(schema);
    member_.bind(schema);
    if (!score_.empty()) score_column_ = chosen_columns(schema, {score_}).front();
    if (remove_) remove_->bind(schema, "delete_if");
  }

  std::string append(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    if (std::string wrong = member_.render(batch, row); !wrong.empty()) return wrong;
    const bool sorted = !score_.empty();
    if (remove_ && remove_->holds(batch, row)) {
      out.add(sorted ? "ZREM" : "SREM", key_.text(), member_.text());
      return {};
    }
    if (sorted) {
      const Cell score = batch.cell(row, score_column_);
      if (score.null()) return "score: the column '" + score_ + "' is NULL";
      out.add("ZADD", key_.text(), score.text(), member_.text());
    } else {
      out.add("SADD", key_.text(), member_.text());
    }
    if (!ttl_.empty()) append_expiry(out, key_.text(), sorted ? "zset" : "set", ttl_);
    return {};
  }

 private:
  RowKey key_;
  RowKey member_;
  std::string score_;
  std::size_t score_column_ = 0;
  std::optional<Predicate> remove_;
  std::string ttl_;
};

}  // namespace syncd::jobs
