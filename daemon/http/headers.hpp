// Header fields of a reply, by name in lower case.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncd::http {

class Headers {
 public:
  // One line of a reply, "Name: value" with or without its line end; anything else is ignored.
  void add_line(std::string_view line);
  // The first of this name, which is in lower case; nullopt where there is none.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  void clear() noexcept { fields_.clear(); }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

}  // namespace syncd::http
