// SET of one value per row: what redis_json and redis_string have in common.
#pragma once
#include "jobs/sinks/redis_exec.hpp"

namespace syncd::jobs {

class KeyedValueRows final : public RowCommands {
 public:
  KeyedValueRows(Template key, RowValue value, std::optional<Predicate> remove,
                 std::optional<std::chrono::nanoseconds> ttl)
      : key_(std::move(key), "key"), value_(std::move(value)), remove_(std::move(remove)) {
    if (ttl) ttl_ = milliseconds(*ttl);
  }

  void bind(const Schema& schema) override {
    key_.bind(schema);
    value_.bind(schema);
    if (remove_) remove_->bind(schema, "delete_if");
  }

  std::string append(const Batch& batch, std::size_t row, redis::CommandBuffer& out) override {
    if (std::string wrong = key_.render(batch, row); !wrong.empty()) return wrong;
    if (remove_ && remove_->holds(batch, row)) {
      out.add("UNLINK", key_.text());
    } else if (ttl_.empty()) {
      out.add("SET", key_.text(), value_.render(batch, row));
    } else {
      out.add("SET", key_.text(), value_.render(batch, row), "PX", ttl_);
    }
    return {};
  }

 private:
  RowKey key_;
  RowValue value_;
  std::optional<Predicate> remove_;
  std::string ttl_;
};

}  // namespace syncd::jobs
