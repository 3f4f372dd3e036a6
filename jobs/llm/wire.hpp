// Reading what vendors send: JSON that may be anything.  For the vendors' files.
#pragma once
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "jobs/llm/dialect.hpp"
#include "jobs/llm/options.hpp"

namespace syncd::llm::wire {

using Json = nlohmann::json;

// The object that an event carries; throws Failure (Broken) where it is none.
Json object(std::string_view text);
// The member, or null where there is none or `json` is no object.
const Json& member(const Json& json, std::string_view name);
std::string text(const Json& json, std::string_view name);  // "" where it is no text
std::optional<std::uint64_t> count(const Json& json, std::string_view name);
bool flag(const Json& json, std::string_view name);  // false where it is none

// What a connection sends and nobody else may see; a server may repeat it where it says what is wrong.
class Secrets {
 public:
  explicit Secrets(const Options& options);
  // The text with "***" in the place of each.
  std::string hidden_in(std::string text) const;

 private:
  void add(std::string_view secret);
  std::vector<config::Secret> all_;  // longer ones first: one may be part of another
};

// The object in which both vendors report an error, in whatever form it comes.
struct Report {
  std::string type;
  std::string code;
  std::string message;
  // "type: message": the only way of a vendor's words into a Failure.
  std::string words(const Secrets& secrets) const;
};
Report report(const Json& error);
// The same for a body that may not even be JSON.
Report report_of_body(std::string_view body);

// "2026-03-01T10:00:00Z", with a fraction (rounded up) or an offset; nullopt where it is none.
std::optional<WallTime> rfc3339(std::string_view text);

// "BASE/path", whether or not the base ends in a slash.
std::string address(const Options& options, std::string_view path);
// POST of `body` with the headers that the configuration adds, for a stream of events.
http::Request post(const Options& options, std::string_view path, const Json& body);
// The same without a body, or with one that is written already, for an answer that is no stream.
http::Request get(const Options& options, std::string_view path);
http::Request post_text(const Options& options, std::string_view path, std::string_view content_type,
                        std::string body);
// JSON on one line.  What a row holds is not always UTF-8, and JSON must be.
std::string dump(const Json& json);
// Throws Failure (Broken) where it could not stand in an address, and then as itself.
std::string name(std::string text);

// The kind that a status and the header x-should-retry make of `kind`; `words` are the report's.
Failure failure(FailureKind kind, int status, const http::Headers& headers, const std::string& words,
                WallTime now);

}  // namespace syncd::llm::wire
