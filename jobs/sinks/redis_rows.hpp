// What the commands of rows are made of: the key, and the value.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "jobs/columns.hpp"
#include "jobs/row_json.hpp"
#include "jobs/sinks/redis_sink.hpp"

namespace syncd::jobs {

// A row's key (member, channel): never NULL, and never that of a checkpoint.
class RowKey {
 public:
  RowKey() = default;
  RowKey(Template text, std::string_view name) : template_(std::move(text)), name_(name) {}

  void bind(const Schema& schema) { template_.bind(schema, name_); }
  // Makes text() the key of the row; returns why there is none, "" for a good one.
  std::string render(const Batch& batch, std::size_t row);
  const std::string& text() const noexcept { return text_; }

 private:
  Template template_;
  std::string name_;  // of the option, for messages
  std::string text_;
};

// A row's value: a template, or the whole row as JSON where there is none.
class RowValue {
 public:
  RowValue() = default;
  explicit RowValue(std::optional<Template> text, std::vector<std::string> fields = {})
      : template_(std::move(text)), fields_(std::move(fields)) {}

  void bind(const Schema& schema);
  const std::string& render(const Batch& batch, std::size_t row);

 private:
  std::optional<Template> template_;
  std::vector<std::string> fields_;  // of the JSON; none: all columns
  std::optional<RowJson> json_;
  std::string text_;
};

// Appends what lets `key` expire after `ttl` (milliseconds), if it holds a `type`: in a transaction the
// expiry would be set even where the write before it was refused, on a key that is somebody else's.
void append_expiry(redis::CommandBuffer& out, std::string_view key, std::string_view type,
                   std::string_view ttl);

// What every Redis sink says about itself in `explain`.
std::vector<std::string> exec_guarantees(bool deletes);
std::vector<std::string> once_guarantees();

}  // namespace syncd::jobs
