// JsonPaths: which values of a JSON document are asked for, as a tree that is walked along with the document.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace syncd::jobs {

class JsonPaths {
 public:
  struct Node {
    std::vector<std::pair<std::string, Node>> children;  // by key; of an array, by index
    std::optional<std::size_t> column;
    const Node* find(std::string_view key) const noexcept;
  };

  // `path` is the name of a field, or a pointer (RFC 6901: /a/b/0, ~1 for / and ~0 for ~).  Returns what is
  // wrong with it, "" for nothing.
  std::string add(std::string_view path, std::size_t column);
  const Node& root() const noexcept { return root_; }

 private:
  Node root_;
};

}  // namespace syncd::jobs
