#include "jobs/llm/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "daemon/base/escape.hpp"

namespace syncd::llm {
namespace {

// A key that travels in the clear is a key that is lost; on this machine there is nobody to see it.
std::optional<std::string> wrong_address(const std::string& url) {
  const auto starts = [&url](std::string_view prefix) { return url.compare(0, prefix.size(), prefix) == 0; };
  if (url.find_first_of(" ?#@\r\n") != std::string::npos) return "must be a plain address: https://host/path";
  if (starts("https://")) return std::nullopt;
  for (const std::string_view host : {"http://127.0.0.1", "http://localhost", "http://[::1]"}) {
    if (!starts(host)) continue;
    const std::string_view rest = std::string_view(url).substr(host.size());
    if (rest.empty() || rest.front() == ':' || rest.front() == '/') return std::nullopt;
  }
  return "must begin with https:// (http:// is for this machine only)";
}

// What a server would refuse, or would take for another header.  A value may be a secret: it is not shown.
std::optional<std::string> wrong_header(const config::OrderedStrings& headers) {
  constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";  // RFC 9110: beside letters and digits
  const auto of_names = [&](unsigned char c) {
    return std::isalnum(c) != 0 || kMarks.find(static_cast<char>(c)) != std::string_view::npos;
  };
  const auto control = [](unsigned char c) { return c != '\t' && std::iscntrl(c) != 0; };
  for (const auto& [name, value] : headers) {
    if (name.empty() || !std::all_of(name.begin(), name.end(), of_names)) {
      return fmt::format("has a header '{}': a name consists of letters, digits and {}", escaped(name),
                         kMarks);
    }
    if (std::any_of(value.begin(), value.end(), control)) {
      return fmt::format("has a control character in the value of '{}', such as a line break: take it out",
                         name);
    }
  }
  return std::nullopt;
}

struct PriceEntry {
  double input = 0;
  double output = 0;
  double batch = 0.5;
};

const config::Fields<PriceEntry>& price_fields() {
  static const auto all =
      config::Fields<PriceEntry>()
          .required("input", &PriceEntry::input, "for a million tokens of the prompt")
          .at_least(0.0)
          .required("output", &PriceEntry::output, "for a million tokens of the answer")
          .at_least(0.0)
          .add("batch", &PriceEntry::batch, "times these prices, for what is asked in a batch")
          .range(0.0, 1.0);
  return all;
}

}  // namespace

const config::Fields<Options>& option_fields() {
  using namespace std::chrono_literals;
  static const auto all =
      config::Fields<Options>()
          .add("api_key", &Options::api_key, "sent with every request; servers of your own may need none")
          .add("base_url", &Options::base_url,
               "where requests go: the address before /chat/completions or /messages, /v1 included (which "
               "may be missing before /messages); the vendor's own by default")
          .check([](const std::string& url) { return wrong_address(url); })
          .example("http://127.0.0.1:8080/v1")
          .add("headers", &Options::headers, "sent with every request, beside the vendor's")
          .check([](const config::OrderedStrings& headers) { return wrong_header(headers); })
          .add("proxy", &Options::proxy, "goes through this proxy; those of the environment are not asked")
          .example("http://proxy.internal:3128")
          .add("ca_file", &Options::ca_file, "certificate authorities instead of the system's")
          .add("max_in_flight", &Options::max_in_flight, "requests at once, of all jobs together")
          .range(1, 256)
          .add("requests_per_minute", &Options::requests_per_minute, "requests a minute at most")
          .range(1, 1'000'000)
          .example("50")
          .add("tokens_per_minute", &Options::tokens_per_minute,
               "tokens a minute at most, estimated, answers included")
          .range(100, 1'000'000'000)
          .example("40000")
          .add("connect_timeout", &Options::connect_timeout, "until a connection stands, TLS included")
          .range(100ms, 5min)
          .add("idle_timeout", &Options::idle_timeout, "silence at most while an answer is awaited")
          .range(10ms, 1h)
          .add("timeout", &Options::timeout, "for one answer, from the first byte to the last")
          .range(10ms, 24h)
          .add("prices", &Options::prices,
               "what a million tokens cost, by model: a table with `input`, `output` and `batch` (a "
               "factor for what is asked in a batch, 0.5 by default); needed for budgets "
               "in money");
  return all;
}

std::map<std::string, Price> read_prices(const config::Table& prices) {
  std::map<std::string, Price> all;
  for (const std::string& model : prices.keys()) {
    const auto table = prices.table(model);
    PriceEntry entry;
    if (table && price_fields().read(*table, entry))
      all[model] = Price{entry.input, entry.output, entry.batch};
  }
  return all;
}

}  // namespace syncd::llm
