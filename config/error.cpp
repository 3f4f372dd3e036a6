// The list of findings: sorted as it grows, so that every way of printing it has the same order.
#include "config/error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace syncd::config {

namespace {

// C0, DEL and the UTF-8 forms of C1: what a terminal may take for a command.
std::string without_controls(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 =
        byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) - 0x80U < 0x20;
    if (byte < 0x20 || byte == 0x7F) {
      out += fmt::format("\\x{:02x}", byte);
    } else if (c1) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned char>(text[++i]));
    } else {
      out += text[i];
    }
  }
  return out;
}

auto order(const Finding& f) { return std::tie(f.file, f.line, f.column); }

}  // namespace

std::string Place::text() const { return line == 0 ? file : fmt::format("{}:{}:{}", file, line, column); }

std::string Finding::printed() const { return Place{file, line, column}.text() + ": " + text; }

Findings::Findings() : list_(std::make_shared<std::vector<Finding>>()) {}

void Findings::add(Finding finding) const {
  finding.file = without_controls(finding.file);
  finding.text = without_controls(finding.text);
  if (std::find(list_->begin(), list_->end(), finding) != list_->end()) return;
  const auto at = std::upper_bound(list_->begin(), list_->end(), finding,
                                   [](const Finding& a, const Finding& b) { return order(a) < order(b); });
  list_->insert(at, std::move(finding));
}

void Findings::add(const Place& place, std::string text) const {
  add(Finding{place.file, place.line, place.column, std::move(text)});
}

std::string Findings::text() const {
  std::string out;
  for (const Finding& finding : *list_) {
    if (!out.empty()) out += '\n';
    out += finding.printed();
  }
  return out;
}

}  // namespace syncd::config
