// CsvRecord: one record of RFC 4180, taken apart.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/batch.hpp"

namespace syncd::jobs {

struct CsvFormat {
  char delimiter = ',';
  std::optional<char> quote = '"';
};

class CsvRecord {
 public:
  enum class Verdict { Complete, Open, Wrong };

  explicit CsvRecord(const CsvFormat& format) : format_(format) {}

  // Open: the text ends within quotes, so the record goes on in the next line.
  Verdict read(std::string_view text, Batch& batch);
  // Of a complete record: views of the text, or of what batch.store() returned.  An empty field is NULL, a
  // quoted empty one an empty text.
  const std::vector<Cell>& fields() const noexcept { return fields_; }
  // What is wrong with a wrong one.
  const std::string& wrong() const noexcept { return wrong_; }
  // Quotes open and close: a line with an even number of them cannot end an open record.
  bool may_close(std::string_view line) const noexcept;

 private:
  Verdict quoted(std::string_view text, std::size_t& at, Batch& batch);
  Verdict plain(std::string_view text, std::size_t& at);

  CsvFormat format_;
  std::vector<Cell> fields_;
  std::string wrong_;
  std::string unescaped_;
};

}  // namespace syncd::jobs
