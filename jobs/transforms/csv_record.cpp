#include "jobs/transforms/csv_record.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {

CsvRecord::Verdict CsvRecord::read(std::string_view text, Batch& batch) {
  fields_.clear();
  std::size_t at = 0;
  while (true) {
    const bool opens = format_.quote && at < text.size() && text[at] == *format_.quote;
    const Verdict verdict = opens ? quoted(text, at, batch) : plain(text, at);
    if (verdict != Verdict::Complete) return verdict;
    if (at >= text.size()) return Verdict::Complete;
    ++at;  // the delimiter
  }
}

// `at` is at the opening quote; then at what follows the field.
CsvRecord::Verdict CsvRecord::quoted(std::string_view text, std::size_t& at, Batch& batch) {
  const char quote = *format_.quote;
  const std::size_t begin = ++at;
  std::size_t end = text.find(quote, at);
  bool doubled = false;
  while (end != std::string_view::npos && end + 1 < text.size() && text[end + 1] == quote) {
    doubled = true;
    end = text.find(quote, end + 2);
  }
  if (end == std::string_view::npos) return Verdict::Open;
  at = end + 1;
  if (at < text.size() && text[at] != format_.delimiter) {
    wrong_ = fmt::format("text behind the closing quote of field {}", fields_.size() + 1);
    return Verdict::Wrong;
  }
  const std::string_view inner = text.substr(begin, end - begin);
  if (!doubled) {
    fields_.emplace_back(inner);
    return Verdict::Complete;
  }
  unescaped_.clear();
  for (std::size_t i = 0; i < inner.size(); ++i) {
    unescaped_ += inner[i];
    if (inner[i] == quote) ++i;
  }
  fields_.emplace_back(batch.store(unescaped_));
  return Verdict::Complete;
}

CsvRecord::Verdict CsvRecord::plain(std::string_view text, std::size_t& at) {
  const std::size_t end = std::min(text.find(format_.delimiter, at), text.size());
  const std::string_view field = text.substr(at, end - at);
  if (format_.quote && field.find(*format_.quote) != std::string_view::npos) {
    wrong_ = fmt::format("a quote within field {}, which does not begin with one", fields_.size() + 1);
    return Verdict::Wrong;
  }
  fields_.push_back(field.empty() ? Cell() : Cell(field));
  at = end;
  return Verdict::Complete;
}

bool CsvRecord::may_close(std::string_view line) const noexcept {
  return format_.quote && std::count(line.begin(), line.end(), *format_.quote) % 2 != 0;
}

}  // namespace syncd::jobs
