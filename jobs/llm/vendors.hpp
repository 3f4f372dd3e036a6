// The list of vendors: a type of connection each.  Adding one is its file and its name here and in
// vendors.cpp.
#pragma once
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "jobs/llm/dialect.hpp"
#include "jobs/llm/options.hpp"

namespace syncd::llm {

struct Vendor {
  std::string_view type;  // of the connection
  std::string_view help;
  std::vector<config::FieldDoc> (*docs)();
  // Reads the connection's table, all of it; findings go there.  Null where there are some.
  std::unique_ptr<Dialect> (*make)(const config::Table& table, Options& common);
};

const Vendor& anthropic();
const Vendor& openai();

std::span<const Vendor* const> vendors();
// Null: no such type.
const Vendor* find_vendor(std::string_view type);

}  // namespace syncd::llm
