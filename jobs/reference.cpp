#include "jobs/reference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "config/load.hpp"
#include "daemon/postgres/options.hpp"
#include "daemon/redis/options.hpp"
#include "jobs/catalogue.hpp"
#include "jobs/llm/vendors.hpp"

namespace syncd::jobs {
namespace {

// How a page is written down.  Headings have the levels of the reference: 2 for a part, 3 for what is in it.
class Page {
 public:
  virtual ~Page() = default;
  virtual void begin() = 0;
  virtual void heading(int level, const std::string& text, bool code) = 0;
  virtual void paragraph(const std::string& text) = 0;
  virtual void fields(const std::vector<config::FieldDoc>& fields) = 0;
  std::string text;
};

constexpr std::string_view kUnits =
    "Durations are strings such as `\"30s\"` or `\"1h30m\"`, sizes such as `\"64KiB\"`.";

std::string help_of(const config::FieldDoc& field) {
  std::string help = field.help;
  if (!field.range_text.empty()) help += fmt::format(" ({})", field.range_text);
  if (!field.example.empty()) help += fmt::format("; example: `{}`", field.example);
  return help;
}

class MarkdownPage final : public Page {
 public:
  void begin() override {
    text = fmt::format(
        "# Reference\n\n"
        "Every key of `syncd.toml` and `jobs.d/*.toml`. This page is printed by `syncd --reference`.\n{}\n",
        kUnits);
  }
  void heading(int level, const std::string& title, bool code) override {
    text += fmt::format("\n{} {}\n", std::string(static_cast<std::size_t>(level), '#'),
                        code ? "`" + title + "`" : title);
  }
  void paragraph(const std::string& words) override { text += fmt::format("\n{}\n", words); }
  void fields(const std::vector<config::FieldDoc>& fields) override {
    text += "\n| key | type | default | what it says |\n| --- | --- | --- | --- |\n";
    for (const auto& field : fields) {
      const std::string fallback = field.required               ? "required"
                                   : field.default_text.empty() ? ""
                                                                : "`" + field.default_text + "`";
      text += fmt::format("| `{}` | {} | {} | {} |\n", field.key, cell(field.type_name), cell(fallback),
                          cell(help_of(field)));
    }
  }

 private:
  static std::string cell(std::string_view words) {
    std::string out;
    for (const char c : words) {
      if (c == '|') out += '\\';
      out += c;
    }
    return out;
  }
};

class ManPage final : public Page {
 public:
  void begin() override { text = plain(std::string(kUnits)) + "\n"; }
  void heading(int level, const std::string& title, bool) override {
    text += fmt::format("\n{} {}\n", level == 2 ? "#" : "##",
                        level == 2 ? upper(title) : title);  // no escapes here
  }
  void paragraph(const std::string& words) override { text += fmt::format("\n{}\n", plain(words)); }
  void fields(const std::vector<config::FieldDoc>& fields) override {
    for (const auto& field : fields) {
      text += fmt::format("\n*{}* ({})", plain(field.key), plain(field.type_name));
      if (field.required) text += ", required";
      if (!field.default_text.empty()) text += ", default " + plain(field.default_text);
      text += fmt::format("\n\t{}\n", plain(help_of(field)));
    }
  }

 private:
  // scdoc(5) reads * and _ as emphasis and a backslash as "literally"; our ` marks code, which man has not.
  static std::string plain(std::string_view words) {
    std::string out;
    for (const char c : words) {
      if (c == '`') continue;
      if (!std::isalnum(static_cast<unsigned char>(c)) && c != ' ' && static_cast<unsigned char>(c) < 0x80) {
        out += '\\';
      }
      out += c;
    }
    return out;
  }
  static std::string upper(std::string words) {
    std::transform(words.begin(), words.end(), words.begin(),
                   [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    return words;
  }
};

template <class Kinds>
void append_kinds(Page& page, const std::string& title, const Kinds& kinds) {
  page.heading(2, title, false);
  for (const auto* kind : kinds) {
    page.heading(3, std::string(kind->type), true);
    page.paragraph(std::string(kind->help));
    page.fields(kind->docs());
  }
}

}  // namespace

std::string reference(ReferenceFormat format) {
  MarkdownPage markdown;
  ManPage man;
  Page& page = format == ReferenceFormat::Markdown ? static_cast<Page&>(markdown) : man;
  page.begin();
  page.heading(2, "Sections", false);
  for (const auto& section : config::section_docs()) {
    page.heading(3, fmt::format("[{}]", section.name), true);
    page.paragraph(section.help);
    page.fields(section.fields);
  }
  page.heading(2, "Connections", false);
  page.heading(3, "type = \"postgres\"", true);
  page.fields(postgres::option_fields().docs());
  page.heading(3, "type = \"redis\"", true);
  page.fields(redis::option_fields().docs());
  for (const llm::Vendor* vendor : llm::vendors()) {
    page.heading(3, fmt::format("type = \"{}\"", vendor->type), true);
    page.paragraph(std::string(vendor->help));
    page.fields(vendor->docs());
  }
  append_kinds(page, "Sources", sources());
  append_kinds(page, "Transforms", transforms());
  append_kinds(page, "Sinks", sinks());
  return page.text;
}

}  // namespace syncd::jobs
