// A view of one TOML table that knows its file, the place of each key and the keys that were asked for.
// It shares the parsed document, so it can be kept and read later; errors go to its Findings at once.
// No toml++ in this header: it would cost every room seconds per file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/error.hpp"
#include "config/secret.hpp"

namespace syncd::config {

// Pairs in the order of the file.
using OrderedStrings = std::vector<std::pair<std::string, std::string>>;

// What a table holds, by path ("sink.ttl", "transforms#1.type"): for comparing, not for showing; a value may
// be a password.
using Leaves = std::map<std::string, Secret>;
// The paths whose values differ, sorted.
std::vector<std::string> changed_keys(const Leaves& before, const Leaves& after);

enum class Type { kAbsent, kString, kInteger, kFloat, kBoolean, kTable, kArray, kDateTime };

// "a string", "an integer", ... as used in messages.
std::string_view with_article(Type type);

// "'KEY' must be WANTED, found an integer".
std::string wrong_type(std::string_view key, std::string_view wanted, Type found);

// 'text' in quotes for a message: passwords redacted, cut at about 60 bytes.
std::string quoted(std::string_view text);

// The getters: absent gives nullopt and no finding; a wrong type gives nullopt and the finding
// "'KEY' must be an integer, found a string"; each of them marks the key as known.  Copies are
// independent in what they have been asked for, and in what was refused.  One thread at a time per copy.
class Table {
 public:
  // An empty table without a file.
  Table();

  // Reads a file; a missing or unreadable file and every syntax error become findings and nullopt.
  static std::optional<Table> parse_file(const std::filesystem::path& file, const Findings& findings);
  // The same for text that came from elsewhere; `mode` stands for the permissions of the file.
  static std::optional<Table> parse_text(std::string_view text, std::string file, const Findings& findings,
                                         unsigned mode = 0600);

  bool has(std::string_view key) const;
  Type type(std::string_view key) const;
  // In the order of the file.
  std::vector<std::string> keys() const;

  std::optional<std::string> string(std::string_view key) const;
  std::optional<std::int64_t> integer(std::string_view key) const;
  // An integer counts as a number.
  std::optional<double> number(std::string_view key) const;
  std::optional<bool> boolean(std::string_view key) const;
  // A single string counts as a list of one.
  std::optional<std::vector<std::string>> strings(std::string_view key) const;
  // A table of strings, in the order of the file.
  std::optional<OrderedStrings> ordered_strings(std::string_view key) const;
  // A string, integer, number or boolean as text (1, 2.5, true), for comparison with cells.
  std::optional<std::string> scalar(std::string_view key) const;
  // A list of them; a single one counts as a list of one.
  std::optional<std::vector<std::string>> scalars(std::string_view key) const;
  std::optional<Secret> secret(std::string_view key) const;
  std::optional<Uri> uri(std::string_view key) const;
  std::optional<Table> table(std::string_view key) const;
  // An array of tables; absent gives an empty list.
  std::vector<Table> tables(std::string_view key) const;

  // Everything below, as it was written; `fetched`: secrets that stand elsewhere as they are now.
  enum class Secrets { kAsWritten, kFetched };
  Leaves leaves(Secrets secrets = Secrets::kAsWritten) const;

  // Makes the key known without reading it: finish() will not complain, and suggests it.
  void expect(std::string_view key) const;
  // A finding for each key that nobody asked for, with the nearest known key.  True when there is none.
  bool finish() const;

  // A finding at the key (at the table where the key is absent), or at the table.
  void fail(std::string_view key, std::string text) const;
  void fail(std::string text) const;

  // There is a finding about the key (fail), or about what stands below it (refuse): whatever could be said
  // about its value is said.  What judges several keys, or one of them further, asks first; so one mistake is
  // one finding, and hides no other.
  bool refused(std::string_view key) const { return refused_.contains(key); }
  void refuse(std::string_view key) const;

  // "jobs.users.source"; "" for the file itself.
  const std::string& path() const { return path_; }
  // "KEY" with the path before it: "jobs.users.source.batch_rows".
  std::string path_of(std::string_view key) const;
  Place place() const;
  Place place(std::string_view key) const;
  const std::string& file_name() const;
  // The folder of the file, for paths that are relative to it.
  std::filesystem::path directory() const;

  // The same table, reporting elsewhere: for reading it again after its first Findings were shown.
  Table reporting_to(const Findings& findings) const;
  Findings findings() const { return findings_; }

 private:
  struct Document;
  struct Nodes;

  Table(std::shared_ptr<const Document> document, const void* node, std::string path, Findings findings);

  std::shared_ptr<const Document> document_;
  const void* node_ = nullptr;  // toml::table inside *document_; null for an empty table
  std::string path_;
  Findings findings_;
  mutable std::set<std::string, std::less<>> known_;
  mutable std::set<std::string, std::less<>> refused_;
};

}  // namespace syncd::config
