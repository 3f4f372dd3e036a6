// Rows: the reply to a query.  A handle to libpq's own memory: cells are views into it, nothing is copied.
// Immutable: made on a connection's thread, read on any.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncd::postgres {

// nullopt is NULL.
using Params = std::vector<std::optional<std::string>>;

class Rows {
 public:
  Rows() = default;
  std::size_t size() const noexcept { return rows_; }
  std::size_t columns() const noexcept { return columns_; }
  bool null(std::size_t row, std::size_t column) const noexcept;
  // "" for NULL.
  std::string_view text(std::size_t row, std::size_t column) const noexcept;
  // Calls `use` for each row with all its cells, data() == nullptr for NULL: much cheaper than one by one.
  void each_row(const std::function<void(const std::string_view* cells)>& use) const;
  std::optional<std::string> value(std::size_t row, std::size_t column) const;
  std::string column_name(std::size_t column) const;
  // The OID of the type; of a domain that of what it is made of in the end.
  std::uint32_t column_type(std::size_t column) const;
  // Keeps the memory of all cells.
  std::shared_ptr<const void> owner() const noexcept { return result_; }

 private:
  friend class Session;
  std::shared_ptr<const void> result_;  // a pqxx::result
  std::size_t rows_ = 0;
  std::size_t columns_ = 0;
};

}  // namespace syncd::postgres
