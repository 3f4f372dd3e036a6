#include "jobs/sinks/redis_rows.hpp"

#include <fmt/format.h>

namespace syncd::jobs {

std::string RowKey::render(const Batch& batch, std::size_t row) {
  text_.clear();
  if (!template_.append_key(text_, batch, row)) {
    return fmt::format("{}: the column '{}' is NULL", name_, template_.null_field(batch, row));
  }
  if (RedisCheckpoint::reserved(text_))
    return fmt::format("{}: '{}' is the key of a checkpoint", name_, text_);
  return {};
}

void RowValue::bind(const Schema& schema) {
  if (template_) {
    template_->bind(schema, "value");
  } else {
    json_.emplace(schema, chosen_columns(schema, fields_));
  }
}

const std::string& RowValue::render(const Batch& batch, std::size_t row) {
  text_.clear();
  if (template_) {
    template_->append_text(text_, batch, row);
  } else {
    json_->append(text_, batch, row);
  }
  return text_;
}

void append_expiry(redis::CommandBuffer& out, std::string_view key, std::string_view type,
                   std::string_view ttl) {
  out.add(
      "EVAL",
      "if redis.call('TYPE', KEYS[1]).ok == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end",
      "1", key, type, ttl);
}

std::vector<std::string> exec_guarantees(bool deletes) {
  std::vector<std::string> lines{
      "rows and checkpoint are one atomic commit in Redis; after a crash at most one commit is repeated, "
      "harmlessly",
      "one writer: a second or stale daemon writes nothing"};
  if (deletes) lines.emplace_back("rows that meet delete_if remove their key");
  return lines;
}

std::vector<std::string> once_guarantees() {
  return {"exactly once: rows and checkpoint are one commit in Redis; nothing is repeated after a crash",
          "one writer: a second or stale daemon writes nothing"};
}

}  // namespace syncd::jobs
