// mask: hides what nobody should see: what a pattern finds, or a whole column, becomes a text, or a keyed
// hash that is the same for the same value.
#include <fmt/format.h>

#include "config/duration.hpp"
#include "config/suggest.hpp"
#include "daemon/base/escape.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/columns.hpp"
#include "jobs/pattern.hpp"
#include "jobs/row_json.hpp"
#include "jobs/transforms/batch_work.hpp"
#include "jobs/transforms/keyed_hash.hpp"

namespace syncd::jobs {
namespace {

constexpr std::size_t kShortestKey = 16;

struct MaskOptions {
  std::vector<std::string> fields;
  std::optional<std::string> pattern;
  std::optional<std::string> replacement;
  std::optional<config::Secret> hash_key;
};

const config::Fields<MaskOptions>& mask_options() {
  static const auto all =
      config::Fields<MaskOptions>()
          .required("fields", &MaskOptions::fields, "columns to hide something in")
          .example("email")
          .add("pattern", &MaskOptions::pattern, "what to hide of them, everywhere it is found; default: all")
          .example("\\\\b\\\\d{16}\\\\b")
          .add("replacement", &MaskOptions::replacement, "the text that takes its place")
          .example("***")
          .add("hash_key", &MaskOptions::hash_key,
               "instead: HMAC-SHA-256 with this key, in hex; equal values stay equal, and cannot be guessed "
               "without the key");
  return all;
}

class MaskWork final : public BatchWork {
 public:
  // A pattern may take long for one row: never on the loop.
  explicit MaskWork(const MaskOptions& options) : BatchWork(0), options_(options) {
    if (options.pattern) pattern_.emplace(*options.pattern);
    if (options.hash_key) hash_.emplace(options.hash_key->reveal());
  }

  bool work(Batch& batch, std::vector<BadRecord>& bad) override {
    if (batch.shared_schema() != seen_) bind(batch);
    std::vector<bool> keep(batch.rows(), true);
    bool whole = true;
    for (std::size_t row = 0; row < batch.rows(); ++row) {
      const std::string wrong = hide(batch, row);
      if (wrong.empty()) continue;
      bad.push_back(BadRecord{row_json(batch, row), "mask: " + wrong});
      keep[row] = whole = false;
    }
    if (!whole) batch.retain(keep);
    batch.rename(after_);
    return true;
  }

 private:
  void bind(const Batch& batch) {
    seen_ = batch.shared_schema();
    columns_ = resolve_columns(*seen_, options_.fields, "mask");
    std::vector<ColumnKind> kinds = seen_->kinds();
    for (const std::size_t column : columns_) kinds[column] = ColumnKind::Text;
    after_ = std::make_shared<const Schema>(seen_->columns(), std::move(kinds));
  }

  // Why the row cannot be judged; then nothing of these columns is left in it.
  std::string hide(Batch& batch, std::size_t row) {
    try {
      for (const std::size_t column : columns_) {
        const Cell cell = batch.cell(row, column);
        if (!cell.null()) batch.set_cell(row, column, hidden(batch, cell));
      }
      return {};
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::Data) throw;
      for (const std::size_t column : columns_) batch.set_cell(row, column, Cell());
      return error.what();
    }
  }

  Cell hidden(Batch& batch, Cell cell) {
    const std::string_view text = cell.text();
    if (!pattern_) return Cell(batch.store(substitute(text)));
    masked_.clear();
    std::size_t done = 0;
    for (std::size_t from = 0; from <= text.size();) {
      const auto found = pattern_->find(text, from);
      if (!found) break;
      const auto [begin, end] = *found;
      if (begin < done) break;
      masked_ += text.substr(done, begin - done);
      if (end > begin) masked_ += substitute(text.substr(begin, end - begin));
      done = end;
      from = end > begin ? end : end + std::max<std::size_t>(utf8_length(text.substr(end)), 1);
    }
    if (done == 0 && masked_.empty()) return cell;
    masked_ += text.substr(done);
    return Cell(batch.store(masked_));
  }

  std::string_view substitute(std::string_view found) {
    return hash_ ? hash_->hex(found) : std::string_view(*options_.replacement);
  }

  MaskOptions options_;
  std::optional<Pattern> pattern_;
  std::optional<KeyedHash> hash_;
  std::shared_ptr<const Schema> seen_;
  std::shared_ptr<const Schema> after_;
  std::vector<std::size_t> columns_;
  std::string masked_;
};

Plan<Transform> plan_mask(const config::Table& table, PlanContext& context) {
  MaskOptions options;
  Plan<Transform> plan;
  if (!mask_options().read(table, options)) return plan;
  check_columns(table, "fields", context.stream, options.fields);
  if (options.replacement.has_value() == options.hash_key.has_value()) {
    table.fail("mask needs either replacement or hash_key");
  }
  if (options.hash_key && options.hash_key->reveal().size() < kShortestKey) {
    table.fail("hash_key", fmt::format("'hash_key' must have at least {} bytes: a short one can be guessed",
                                       kShortestKey));
  }
  if (options.pattern) {
    try {
      const Pattern compiled(*options.pattern);
    } catch (const config::ValueError& error) {
      table.fail("pattern", std::string("'pattern' is no pattern: ") + error.what());
    }
  }
  plan.make = [options](RunContext& run) {
    return std::make_unique<WorkTransform>(run, [options] { return std::make_unique<MaskWork>(options); });
  };
  return plan;
}

}  // namespace

const TransformKind& mask() {
  static const TransformKind kind{"mask", "Hides values, or parts of them: a text or a keyed hash instead.",
                                  [] { return mask_options().docs(); }, &plan_mask};
  return kind;
}

}  // namespace syncd::jobs
