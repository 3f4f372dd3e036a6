#include "jobs/template.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "config/duration.hpp"
#include "jobs/columns.hpp"

namespace syncd::jobs {
namespace {

void append_encoded(std::string& out, std::string_view value, char separator) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : value) {
    if (c != '%' && c != separator) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
}

}  // namespace

Template Template::parse(std::string_view text) {
  Template parsed;
  Part part;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool doubled = i + 1 < text.size() && text[i + 1] == c;
    if ((c == '{' || c == '}') && doubled) {
      part.literal += c;
      ++i;
    } else if (c == '{') {
      const auto close = text.find('}', i);
      if (close == std::string_view::npos) {
        throw config::ValueError(fmt::format("'{{' at {} is never closed; write {{{{ for a brace", i + 1));
      }
      part.field = text.substr(i + 1, close - i - 1);
      part.has_field = true;
      if (part.field.empty()) throw config::ValueError("{} names no column; write {column}");
      parsed.parts_.push_back(std::move(part));
      part = Part();
      i = close;
    } else if (c == '}') {
      throw config::ValueError(fmt::format("'}}' at {} closes nothing; write }}}} for a brace", i + 1));
    } else {
      part.literal += c;
    }
  }
  if (!part.literal.empty()) parsed.parts_.push_back(std::move(part));
  auto& parts = parsed.parts_;
  const auto last = std::find_if(parts.rbegin(), parts.rend(), [](const Part& p) { return p.has_field; });
  for (std::size_t i = 0; last != parts.rend() && i + 1 < parts.size(); ++i) {
    if (&parts[i] != &*last && !parts[i + 1].literal.empty()) parts[i].separator = parts[i + 1].literal[0];
  }
  return parsed;
}

std::vector<std::string> Template::fields() const {
  std::vector<std::string> names;
  for (const Part& part : parts_) {
    if (part.has_field && std::find(names.begin(), names.end(), part.field) == names.end()) {
      names.push_back(part.field);
    }
  }
  return names;
}

void Template::fix(std::string_view field, std::string_view text) {
  for (Part& part : parts_) {
    if (!part.has_field || part.field != field) continue;
    part.literal += text;
    part.field.clear();
    part.has_field = false;
  }
}

std::string Template::only_field() const {
  const bool only = parts_.size() == 1 && parts_[0].has_field && parts_[0].literal.empty();
  return only ? parts_[0].field : std::string();
}

bool Template::constant() const noexcept {
  return std::none_of(parts_.begin(), parts_.end(), [](const Part& part) { return part.has_field; });
}

bool Template::ambiguous() const noexcept {
  for (std::size_t i = 1; i < parts_.size(); ++i) {
    if (parts_[i].has_field && parts_[i].literal.empty()) return true;
  }
  return false;
}

void Template::bind(const Schema& schema, std::string_view doing) {
  for (Part& part : parts_) {
    if (part.has_field) part.column = resolve_columns(schema, {part.field}, doing).front();
  }
}

void Template::append_text(std::string& out, const Batch& batch, std::size_t row) const {
  for (const Part& part : parts_) {
    out += part.literal;
    if (part.has_field) out += batch.cell(row, part.column).text();
  }
}

bool Template::append_key(std::string& out, const Batch& batch, std::size_t row) const {
  for (const Part& part : parts_) {
    out += part.literal;
    if (!part.has_field) continue;
    const Cell cell = batch.cell(row, part.column);
    if (cell.null()) return false;
    if (part.separator == '\0') {
      out += cell.text();
    } else {
      append_encoded(out, cell.text(), part.separator);
    }
  }
  return true;
}

std::string Template::null_field(const Batch& batch, std::size_t row) const {
  for (const Part& part : parts_) {
    if (part.has_field && batch.cell(row, part.column).null()) return part.field;
  }
  return {};
}

Template read_template(const config::Table& table, const char* key, const std::string& text,
                       const PlanContext& context) {
  if (table.refused(key)) return {};
  try {
    Template parsed = Template::parse(text);
    check_columns(table, key, context.stream, parsed.fields());
    return parsed;
  } catch (const config::ValueError& error) {
    table.fail(key, fmt::format("'{}': {}", key, error.what()));
    return {};
  }
}

}  // namespace syncd::jobs
