// A row as a JSON object, in one pass and without an allocation per value.
#pragma once
#include <string>
#include <vector>

#include "jobs/batch.hpp"

namespace syncd::jobs {

// "1", "-2.50", "3e8": what JSON takes for a number.
bool is_number(std::string_view text) noexcept;

// Numbers, booleans and JSON stay what they are; what JSON cannot say (NaN, Infinity) and everything else
// is a string.  NULL is null.  A byte that is not UTF-8 becomes U+FFFD.
class RowJson {
 public:
  // The columns of the object, by index, in this order.
  RowJson(const Schema& schema, std::vector<std::size_t> columns);
  void append(std::string& out, const Batch& batch, std::size_t row) const;

 private:
  struct Column {
    std::size_t index;
    ColumnKind kind;
    std::string head;  // {"name": or ,"name":
  };
  std::vector<Column> columns_;
};

// All columns of one row.
std::string row_json(const Batch& batch, std::size_t row);

}  // namespace syncd::jobs
