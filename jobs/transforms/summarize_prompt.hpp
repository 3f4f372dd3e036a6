// The two parts of a prompt, as mustache templates.  Data comes into the user part alone, between two marks
// that it cannot contain: what a row says is never an instruction of ours.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "config/table.hpp"

namespace syncd::jobs {

// Of a text, in hexadecimal.
std::string sha256(std::string_view text);

class Prompt {
 public:
  // `variables` are the operator's own, for both parts.
  Prompt(std::string system, std::string user, config::OrderedStrings variables);

  // What is wrong with the parts; "" where nothing is.
  std::string wrong_system() const;
  std::string wrong_user() const;

  // The system part; the same for every window.
  std::string system() const;
  // {{data}} is the fenced data, {{rows}} their number, {{key}} what they have in common.
  std::string user(const std::string& data, std::uint64_t rows, const std::string& key) const;

 private:
  std::string system_;
  std::string user_;
  config::OrderedStrings variables_;
};

}  // namespace syncd::jobs
