#include "jobs/reference.hpp"

#include <fmt/format.h>

#include "config/load.hpp"
#include "daemon/postgres/options.hpp"
#include "daemon/redis/options.hpp"
#include "jobs/catalogue.hpp"

namespace syncd::jobs {
namespace {

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

void append_fields(std::string& out, const std::vector<config::FieldDoc>& fields) {
  out += "\n| key | type | default | what it says |\n| --- | --- | --- | --- |\n";
  for (const auto& field : fields) {
    std::string help = field.help;
    if (!field.range_text.empty()) help += fmt::format(" ({})", field.range_text);
    if (!field.example.empty()) help += fmt::format("; example: `{}`", field.example);
    const std::string fallback = field.required               ? "required"
                                 : field.default_text.empty() ? ""
                                                              : "`" + field.default_text + "`";
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.key, cell(field.type_name), cell(fallback),
                       cell(help));
  }
}

template <class Kinds>
void append_kinds(std::string& out, std::string_view title, const Kinds& kinds) {
  out += fmt::format("\n## {}\n", title);
  for (const auto* kind : kinds) {
    out += fmt::format("\n### `{}`\n\n{}\n", kind->type, kind->help);
    append_fields(out, kind->docs());
  }
}

}  // namespace

std::string reference() {
  std::string out =
      "# Reference\n\n"
      "Every key of `syncd.toml` and `jobs.d/*.toml`. This page is printed by `syncd --reference`.\n"
      "Durations are strings such as `\"30s\"` or `\"1h30m\"`, sizes such as `\"64KiB\"`.\n"
      "\n## Sections\n";
  for (const auto& section : config::section_docs()) {
    out += fmt::format("\n### `[{}]`\n\n{}\n", section.name, section.help);
    append_fields(out, section.fields);
  }
  out += "\n## Connections\n\n### `type = \"postgres\"`\n";
  append_fields(out, postgres::option_fields().docs());
  out += "\n### `type = \"redis\"`\n";
  append_fields(out, redis::option_fields().docs());
  append_kinds(out, "Sources", sources());
  append_kinds(out, "Transforms", transforms());
  append_kinds(out, "Sinks", sinks());
  return out;
}

}  // namespace syncd::jobs
