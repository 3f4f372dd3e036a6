#include "jobs/transforms/json_path.hpp"

namespace syncd::jobs {
namespace {

// nullopt: a ~ that is neither ~0 nor ~1.
std::optional<std::string> unescaped_part(std::string_view part) {
  std::string out;
  for (std::size_t i = 0; i < part.size(); ++i) {
    if (part[i] != '~') {
      out += part[i];
      continue;
    }
    const char next = i + 1 < part.size() ? part[i + 1] : '\0';
    if (next != '0' && next != '1') return std::nullopt;
    out += next == '0' ? '~' : '/';
    ++i;
  }
  return out;
}

}  // namespace

const JsonPaths::Node* JsonPaths::Node::find(std::string_view key) const noexcept {
  for (const auto& [name, child] : children) {
    if (name == key) return &child;
  }
  return nullptr;
}

std::string JsonPaths::add(std::string_view path, std::size_t column) {
  if (path.empty()) return "names no field";
  std::vector<std::string> parts;
  if (!path.starts_with('/')) {
    parts.emplace_back(path);
  } else {
    std::size_t begin = 1;
    while (begin <= path.size()) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      const auto part = unescaped_part(path.substr(begin, end - begin));
      if (!part) return "is no JSON pointer: write ~0 for ~ and ~1 for /";
      parts.push_back(*part);
      begin = end + 1;
    }
  }
  Node* node = &root_;
  for (const std::string& part : parts) {
    auto* child = const_cast<Node*>(node->find(part));
    if (child == nullptr) child = &node->children.emplace_back(part, Node()).second;
    node = child;
  }
  if (node->column) return "is asked for twice";
  node->column = column;
  return {};
}

}  // namespace syncd::jobs
