// [connections.NAME] of a type that is a model's vendor: what all of them have in common.
#pragma once
#include <map>
#include <string>

#include "config/fields.hpp"

namespace syncd::llm {

// In millionths of whatever currency the table is in, for one token: the same number as the price of a
// million tokens.
struct Price {
  double input = 0;
  double output = 0;
  double batch = 0.5;  // times these, for what is asked in a batch
};

struct Options {
  std::optional<config::Secret> api_key;
  std::string base_url;
  config::OrderedStrings headers;
  std::string proxy;
  std::string ca_file;
  std::uint32_t max_in_flight = 4;
  std::optional<std::uint32_t> requests_per_minute;
  std::optional<std::uint32_t> tokens_per_minute;
  std::chrono::nanoseconds connect_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds idle_timeout = std::chrono::minutes(2);
  std::chrono::nanoseconds timeout = std::chrono::minutes(10);
  config::Table prices;  // model -> { input, output, batch }
};

// Every vendor's own options include these; `base_url` is where its requests go by default.
const config::Fields<Options>& option_fields();

// The table of prices, checked: findings go to it.
std::map<std::string, Price> read_prices(const config::Table& prices);

}  // namespace syncd::llm
