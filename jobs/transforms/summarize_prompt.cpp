#include "jobs/transforms/summarize_prompt.hpp"

#include <openssl/evp.h>

#include <array>
#include <kainjow/mustache.hpp>

namespace syncd::jobs {
namespace {

using kainjow::mustache::data;
using kainjow::mustache::mustache;

constexpr const char* kProbe = "\x01";

mustache parsed(const std::string& text) {
  mustache made(text);
  made.set_custom_escape([](const std::string& value) { return value; });  // a prompt is no HTML
  return made;
}

data values(const config::OrderedStrings& variables) {
  data all;
  for (const auto& [name, value] : variables) all.set(name, value);
  return all;
}

std::size_t count(const std::string& text, std::string_view part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

// The marks carry a digest of what is between them: no row can foresee it.
std::string fenced(const std::string& text) {
  const std::string mark = sha256(text).substr(0, 16);
  std::string out = "<data id=\"" + mark + "\">\n" + text;
  if (!text.empty() && text.back() != '\n') out += '\n';
  return out + "</data id=\"" + mark + "\">";
}

}  // namespace

std::string sha256(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr);
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

Prompt::Prompt(std::string system, std::string user, config::OrderedStrings variables)
    : system_(std::move(system)), user_(std::move(user)), variables_(std::move(variables)) {}

std::string Prompt::wrong_system() const {
  mustache made = parsed(system_);
  if (!made.is_valid()) return "is no template: " + made.error_message();
  data all = values(variables_);
  for (const char* name : {"data", "rows", "key"}) all.set(name, kProbe);
  if (count(made.render(all), kProbe) != 0) return "must not name the data: they belong into 'user'";
  return "";
}

std::string Prompt::wrong_user() const {
  mustache made = parsed(user_);
  if (!made.is_valid()) return "is no template: " + made.error_message();
  data all = values(variables_);
  all.set("data", kProbe);
  if (count(made.render(all), kProbe) != 1) return "must name {{data}} once";
  return "";
}

std::string Prompt::system() const { return parsed(system_).render(values(variables_)); }

std::string Prompt::user(const std::string& text, std::uint64_t rows, const std::string& key) const {
  data all = values(variables_);
  all.set("data", fenced(text));
  all.set("rows", std::to_string(rows));
  all.set("key", key);
  return parsed(user_).render(all);
}

}  // namespace syncd::jobs
