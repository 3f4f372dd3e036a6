// What is asked of a model and what comes back; no vendor shows.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemon/coro/generator.hpp"

namespace syncd::llm {

// A class, not an aggregate: it is handed to coroutines by value.
class Ask {
 public:
  Ask() = default;
  std::string model;
  std::string system;  // "" for none
  std::string user;
  std::uint32_t max_tokens = 1024;
  std::optional<double> temperature;
  std::optional<double> top_p;
  std::vector<std::string> stop;
  std::string schema;  // that the answer must meet, as JSON; it is not sent; "" for none
};

struct Usage {
  std::uint64_t input = 0;  // tokens, cached ones included
  std::uint64_t output = 0;
};

enum class Stop {
  Complete,   // the only one that makes an answer
  Truncated,  // the limit of tokens, or of the context
  Refused,
  Other,
};

// How a stream ended.
class End {
 public:
  End() = default;
  Stop stop = Stop::Other;
  std::string reason;          // in the vendor's word
  std::string refusal;         // the model's own words, where it declined
  std::optional<Usage> usage;  // where it was told
  std::string model;           // that answered
};

// A part of the text; the last one of a stream carries the end instead.
class Piece {
 public:
  explicit Piece(std::string text_in) : text(std::move(text_in)) {}
  explicit Piece(End end_in) : end(std::move(end_in)) {}
  std::string text;
  std::optional<End> end;
};
using Pieces = coro::AsyncGenerator<Piece>;

}  // namespace syncd::llm
