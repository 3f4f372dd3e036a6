// Names of SQL: parsed and quoted.  Pure text.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace syncd::postgres {

// "Name" in SQL quotes.
std::string quote_identifier(std::string_view name);

// schema.table or table, each part plain (folded to lower case) or "quoted"; nullopt where it is neither.
class TableName {
 public:
  static std::optional<TableName> parse(std::string_view text);
  std::string quoted() const;

 private:
  std::vector<std::string> parts_;
};

}  // namespace syncd::postgres
