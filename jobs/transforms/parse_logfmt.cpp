// parse_logfmt: level=info msg="it is up" took=1.5ms: values of such lines become columns.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

#include "jobs/catalogue.hpp"
#include "jobs/transforms/parsed_rows.hpp"

namespace syncd::jobs {
namespace {

struct ParseLogfmtOptions : ParseOptions {
  config::OrderedStrings fields;
};

const config::Fields<ParseLogfmtOptions>& parse_logfmt_options() {
  static const auto all =
      config::Fields<ParseLogfmtOptions>()
          .required("fields", &ParseLogfmtOptions::fields,
                    "column = key in the line. A key without a value is true, one that is not there NULL; a "
                    "line without any key=value, or with an open quote, is a bad record")
          .example("{ level = \"level\", message = \"msg\" }")
          .include(parse_fields());
  return all;
}

void append_utf8(std::string& out, unsigned code) {
  const auto put = [&out](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// What stands between two quotes; an escape that JSON does not know stays as it is.
std::string unescaped(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      out += text[i];
      continue;
    }
    const char next = text[++i];
    constexpr std::string_view kNames = "nrtbf\"\\/";
    constexpr std::string_view kValues = "\n\r\t\b\f\"\\/";
    const std::size_t known = kNames.find(next);
    unsigned code = 0;
    if (known != std::string_view::npos) {
      out += kValues[known];
    } else if (next == 'u' && i + 4 < text.size() &&
               std::sscanf(std::string(text.substr(i + 1, 4)).c_str(), "%4x", &code) == 1) {
      append_utf8(out, code);
      i += 4;
    } else {
      out += '\\';
      out += next;
    }
  }
  return out;
}

class LogfmtParser final : public TextParser {
 public:
  explicit LogfmtParser(std::vector<std::string> keys) : keys_(std::move(keys)) {}

  std::string parse(std::string_view text, Batch& batch, std::span<Cell> cells) override {
    bool pairs = false;
    std::size_t at = 0;
    while ((at = text.find_first_not_of(" \t", at)) != std::string_view::npos) {
      const std::size_t key_end = std::min(text.find_first_of(" \t=", at), text.size());
      const std::string_view key = text.substr(at, key_end - at);
      if (key.empty()) return fmt::format("a value without a key at {}", at + 1);
      at = key_end;
      Cell value(std::string_view("true"));
      if (at < text.size() && text[at] == '=') {
        pairs = true;
        ++at;
        const std::optional<Cell> read = read_value(text, at, batch);
        if (!read) return fmt::format("the quote of {} is never closed", key);
        value = *read;
      }
      for (std::size_t i = 0; i < keys_.size(); ++i) {
        if (keys_[i] == key) cells[i] = value;
      }
    }
    return pairs ? std::string() : "there is no key=value";
  }

 private:
  // nullopt: a quote is open.
  static std::optional<Cell> read_value(std::string_view text, std::size_t& at, Batch& batch) {
    if (at >= text.size() || text[at] != '"') {
      const std::size_t begin = at;
      at = std::min(text.find_first_of(" \t", at), text.size());
      return Cell(text.substr(begin, at - begin));
    }
    const std::size_t begin = ++at;
    bool escapes = false;
    while (at < text.size() && text[at] != '"') {
      escapes = escapes || text[at] == '\\';
      at += text[at] == '\\' ? 2 : 1;
    }
    if (at >= text.size()) return std::nullopt;
    const std::string_view inner = text.substr(begin, at - begin);
    ++at;
    return escapes ? Cell(batch.store(unescaped(inner))) : Cell(inner);
  }

  std::vector<std::string> keys_;
};

Plan<Transform> plan_parse_logfmt(const config::Table& table, PlanContext& context) {
  ParseLogfmtOptions options;
  parse_logfmt_options().read(table, options);
  std::vector<std::string> keys;
  const auto columns =
      named_columns(table, options.fields, [&](const std::string& key, std::size_t) { keys.push_back(key); });
  ParseShape shape = parse_shape(table, context, "parse_logfmt", options, columns, false);
  return parse_plan(std::move(shape), [keys] { return std::make_unique<LogfmtParser>(keys); });
}

}  // namespace

const TransformKind& parse_logfmt() {
  static const TransformKind kind{"parse_logfmt", "Values of key=value lines become columns.",
                                  [] { return parse_logfmt_options().docs(); }, &plan_parse_logfmt};
  return kind;
}

}  // namespace syncd::jobs
