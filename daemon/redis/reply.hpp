// Replies: the answers to a batch of commands in one flat memory: no heap object per element.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/error.hpp"

namespace syncd::redis {

enum class ReplyType : std::uint8_t { Status, Error, Integer, Nil, String, Array };

class Replies;

// A view of one reply; lives as long as its Replies.
class Reply {
 public:
  Reply(const Replies& all, std::size_t node) : all_(&all), node_(node) {}
  ReplyType type() const noexcept;
  bool nil() const noexcept { return type() == ReplyType::Nil; }
  bool error() const noexcept { return type() == ReplyType::Error; }
  std::string_view text() const noexcept;  // of a status, error or string
  std::int64_t integer() const noexcept;
  std::size_t size() const noexcept;  // of an array
  // The elements of an array are found by walking: for (Reply r = a.first(); ...; r = r.next()).
  Reply first() const noexcept { return Reply(*all_, node_ + 1); }
  Reply next() const noexcept;
  Reply at(std::size_t index) const noexcept;

 private:
  const Replies* all_;
  std::size_t node_;
};

class Replies {
 public:
  struct Node {
    ReplyType type;
    std::uint32_t size;  // of the text, or elements of an array
    std::int64_t value;  // the integer, where the text begins, or the node after an array's last element
  };
  // Whole ones.
  std::size_t count() const noexcept { return roots_.size(); }
  Reply operator[](std::size_t index) const noexcept { return Reply(*this, roots_[index]); }
  void clear() noexcept {
    nodes_.clear();
    roots_.clear();
    text_.clear();
  }

 private:
  friend class Reply;
  friend class Decoder;
  std::vector<Node> nodes_;  // in the order of arrival: an array, then its elements
  std::vector<std::size_t> roots_;
  std::string text_;
};

inline ReplyType Reply::type() const noexcept { return all_->nodes_[node_].type; }
inline std::string_view Reply::text() const noexcept {
  const auto& node = all_->nodes_[node_];
  return std::string_view(all_->text_).substr(static_cast<std::size_t>(node.value), node.size);
}
inline std::int64_t Reply::integer() const noexcept { return all_->nodes_[node_].value; }
inline std::size_t Reply::size() const noexcept { return all_->nodes_[node_].size; }
inline Reply Reply::next() const noexcept {
  const auto& node = all_->nodes_[node_];
  return Reply(*all_, node.type == ReplyType::Array ? static_cast<std::size_t>(node.value) : node_ + 1);
}
inline Reply Reply::at(std::size_t index) const noexcept {
  Reply element = first();
  while (index-- > 0) element = element.next();
  return element;
}

// What an error reply means for a job: Transient (OOM, LOADING, READONLY, MISCONF, BUSY, ...), Permanent
// (NOAUTH, NOPERM, ...) or Data (WRONGTYPE and what else a single command was refused for).
ErrorKind kind_of_error(std::string_view text) noexcept;
// The error with what to do about it.
Error to_error(std::string_view text);
// The same for a command that is about no single row: never Data, but Permanent.
Error to_commit_error(std::string_view text);
// Redis hangs up after it: what was sent is no protocol, or too large.
bool ends_connection(std::string_view text) noexcept;

}  // namespace syncd::redis
