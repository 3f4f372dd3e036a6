// The only file that knows toml++.  Its tables iterate in the order of keys, so what the operator is
// shown is sorted by place; keys and values have places of their own.
#include "config/table.hpp"

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>

#include "config/duration.hpp"
#include "config/file.hpp"
#include "config/suggest.hpp"

namespace syncd::config {

struct Table::Document {
  std::string file;
  unsigned mode = 0;
  toml::table root;
};

namespace {

Type type_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::string:
      return Type::kString;
    case toml::node_type::integer:
      return Type::kInteger;
    case toml::node_type::floating_point:
      return Type::kFloat;
    case toml::node_type::boolean:
      return Type::kBoolean;
    case toml::node_type::table:
      return Type::kTable;
    case toml::node_type::array:
      return Type::kArray;
    case toml::node_type::none:
      return Type::kAbsent;
    default:
      return Type::kDateTime;  // a date, a time or both
  }
}

std::optional<std::string> scalar_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* flag = node.as_boolean()) return std::string(flag->get() ? "true" : "false");
  return std::nullopt;
}

// What toml++ says, without the text that it could not parse, which may be a password without quotes.
// What it expected, and the names of keys, may stay.
std::string syntax_error(std::string_view text) {
  if (text.find("redefine") != std::string_view::npos) return std::string(text);
  if (text.find("could not determine value type") != std::string_view::npos) {
    return "Error while parsing value: a string needs quotes";
  }
  std::string out;
  while (!text.empty()) {
    const std::size_t open = text.find('\'');
    const std::size_t close = open == std::string_view::npos ? open : text.find('\'', open + 1);
    if (close == std::string_view::npos) break;
    out.append(text.substr(0, open));
    const std::string_view inside = text.substr(open + 1, close - open - 1);
    const bool expected = out.ends_with("expected ") || out.ends_with("or ");
    constexpr std::size_t kOneCharacter = 4;
    out += expected || inside.size() <= kOneCharacter ? fmt::format("'{}'", inside) : "something else";
    text.remove_prefix(close + 1);
  }
  // An unpaired quote: the rest may be anything.
  return text.find('\'') == std::string_view::npos ? out.append(text) : out;
}

}  // namespace

// Access to the toml++ nodes behind a table.
struct Table::Nodes {
  static const toml::table* of(const Table& table) { return static_cast<const toml::table*>(table.node_); }

  static const toml::node* find(const Table& table, std::string_view key) {
    table.expect(key);
    return of(table) == nullptr ? nullptr : of(table)->get(key);
  }

  static Place place(const Table& table, const toml::source_region& region) {
    return {table.file_name(), region.begin.line, region.begin.column};
  }

  static void fail(const Table& table, const toml::node& at, std::string text) {
    table.findings_.add(place(table, at.source()), std::move(text));
  }

  // The value of one type, or nothing and the finding.
  template <class T>
  static std::optional<T> exact(const Table& table, std::string_view key, std::string_view wanted) {
    const toml::node* node = find(table, key);
    if (node == nullptr) return std::nullopt;
    if (const auto value = node->value_exact<T>()) return *value;
    table.fail(key, wrong_type(key, wanted, type_of(*node)));
    return std::nullopt;
  }

  // Each element through `convert`, which returns nothing for a wrong type; no array: a list of one.
  template <class Convert>
  static std::optional<std::vector<std::string>> list(const Table& table, std::string_view key,
                                                      std::string_view wanted, Convert convert) {
    const toml::node* node = find(table, key);
    if (node == nullptr) return std::nullopt;
    std::vector<std::string> out;
    const auto take = [&](const toml::node& element) {
      if (auto text = convert(element)) {
        out.push_back(std::move(*text));
        return true;
      }
      fail(table, element, wrong_type(key, wanted, type_of(element)));
      return false;
    };
    bool good = true;
    if (const toml::array* array = node->as_array()) {
      for (const toml::node& element : *array) good &= take(element);
    } else {
      good = take(*node);
    }
    return good ? std::optional(std::move(out)) : std::nullopt;
  }

  static std::optional<Table> parse(std::string_view text, std::string file, unsigned mode,
                                    const Findings& findings) {
    auto document = std::make_shared<Document>();
    document->file = std::move(file);
    document->mode = mode;
    try {
      document->root = toml::parse(text, document->file);
    } catch (const toml::parse_error& error) {
      const toml::source_position at = error.source().begin;
      findings.add({document->file, at.line, at.column}, syntax_error(error.description()));
      return std::nullopt;
    }
    const toml::table* root = &document->root;
    return Table(std::move(document), root, "", findings);
  }

  // { credential = "NAME" }, { env = "NAME" } or { file = "/path" }, or nothing and the finding.
  static std::optional<Secret> fetch(const Table& origin, std::string_view key) {
    const auto credential = origin.string("credential");
    const auto env = origin.string("env");
    const auto file = origin.string("file");
    if (!origin.finish()) return std::nullopt;
    if (credential.has_value() + env.has_value() + file.has_value() != 1) {
      // A wrong type of the only one has its finding already.
      if (origin.keys().size() != 1) {
        origin.fail(fmt::format(
            "'{}' must be one of {{ credential = \"NAME\" }}, {{ env = \"NAME\" }}, {{ file = \"/path\" }}",
            key));
      }
      return std::nullopt;
    }
    try {
      if (credential) return fetch_secret(SecretOrigin::kCredential, *credential);
      if (env) return fetch_secret(SecretOrigin::kEnvironment, *env);
      return fetch_secret(SecretOrigin::kFile, *file);
    } catch (const ValueError& error) {
      origin.fail(fmt::format("'{}': {}", key, error.what()));
      return std::nullopt;
    }
  }
};

Table::Table() = default;

Table::Table(std::shared_ptr<const Document> document, const void* node, std::string path, Findings findings)
    : document_(std::move(document)), node_(node), path_(std::move(path)), findings_(std::move(findings)) {}

std::optional<Table> Table::parse_file(const std::filesystem::path& file, const Findings& findings) {
  try {
    const FileContent content = read_file(file);
    return Nodes::parse(content.text, file.string(), content.mode, findings);
  } catch (const FileError& error) {
    findings.add({file.string(), 0, 0}, error.what());
    return std::nullopt;
  }
}

std::optional<Table> Table::parse_text(std::string_view text, std::string file, const Findings& findings,
                                       unsigned mode) {
  return Nodes::parse(text, std::move(file), mode, findings);
}

bool Table::has(std::string_view key) const { return type(key) != Type::kAbsent; }

Type Table::type(std::string_view key) const {
  const toml::table* table = Nodes::of(*this);
  const toml::node* node = table == nullptr ? nullptr : table->get(key);
  return node == nullptr ? Type::kAbsent : type_of(*node);
}

std::vector<std::string> Table::keys() const {
  std::vector<std::string> out;
  const toml::table* table = Nodes::of(*this);
  if (table == nullptr) return out;
  for (const auto& [key, node] : *table) out.emplace_back(key.str());
  std::stable_sort(out.begin(), out.end(), [this](const std::string& a, const std::string& b) {
    const Place x = place(a);
    const Place y = place(b);
    return std::pair(x.line, x.column) < std::pair(y.line, y.column);
  });
  return out;
}

std::optional<std::string> Table::string(std::string_view key) const {
  return Nodes::exact<std::string>(*this, key, "a string");
}

std::optional<std::int64_t> Table::integer(std::string_view key) const {
  return Nodes::exact<std::int64_t>(*this, key, "an integer");
}

std::optional<double> Table::number(std::string_view key) const {
  if (type(key) == Type::kInteger) return static_cast<double>(*integer(key));
  return Nodes::exact<double>(*this, key, "a number");
}

std::optional<bool> Table::boolean(std::string_view key) const {
  return Nodes::exact<bool>(*this, key, "a boolean (true or false)");
}

std::optional<std::vector<std::string>> Table::strings(std::string_view key) const {
  return Nodes::list(*this, key, "a list of strings",
                     [](const toml::node& node) { return node.value_exact<std::string>(); });
}

std::optional<OrderedStrings> Table::ordered_strings(std::string_view key) const {
  const std::optional<Table> inner = table(key);
  if (!inner) return std::nullopt;
  OrderedStrings out;
  bool good = true;
  for (const std::string& name : inner->keys()) {
    if (auto value = inner->string(name)) {
      out.emplace_back(name, std::move(*value));
    } else {
      good = false;
    }
  }
  return good ? std::optional(std::move(out)) : std::nullopt;
}

std::optional<std::string> Table::scalar(std::string_view key) const {
  const toml::node* node = Nodes::find(*this, key);
  if (node == nullptr) return std::nullopt;
  auto text = scalar_text(*node);
  if (!text) fail(key, wrong_type(key, "a string, number or boolean", type_of(*node)));
  return text;
}

std::optional<std::vector<std::string>> Table::scalars(std::string_view key) const {
  return Nodes::list(*this, key, "a list of strings, numbers or booleans", scalar_text);
}

std::optional<Secret> Table::secret(std::string_view key) const {
  const toml::node* node = Nodes::find(*this, key);
  if (node == nullptr) return std::nullopt;
  if (node->is_table()) return Nodes::fetch(*table(key), key);
  const auto* text = node->as_string();
  if (text == nullptr) {
    fail(key, wrong_type(key, "a string or a table such as { credential = \"NAME\" }", type_of(*node)));
    return std::nullopt;
  }
  if ((document_->mode & 0004U) != 0) {
    fail(key,
         fmt::format("'{}' stands in a file that every user can read (mode {:04o}): write {{ credential = "
                     "\"NAME\" }}, {{ env = \"NAME\" }} or {{ file = \"/path\" }}, or chmod 640 the file",
                     key, document_->mode));
    return std::nullopt;
  }
  return Secret(text->get());
}

std::optional<Uri> Table::uri(std::string_view key) const {
  const toml::node* node = Nodes::find(*this, key);
  if (node == nullptr) return std::nullopt;
  if (const auto* text = node->as_string(); text != nullptr && !holds_password(text->get())) {
    return Uri(text->get());
  }
  const std::optional<Secret> inside = secret(key);
  return inside ? std::optional(Uri(inside->reveal())) : std::nullopt;
}

std::optional<Table> Table::table(std::string_view key) const {
  const toml::node* node = Nodes::find(*this, key);
  if (node == nullptr) return std::nullopt;
  if (const toml::table* inner = node->as_table()) return Table(document_, inner, path_of(key), findings_);
  fail(key, wrong_type(key, "a table", type_of(*node)));
  return std::nullopt;
}

std::vector<Table> Table::tables(std::string_view key) const {
  std::vector<Table> out;
  const toml::node* node = Nodes::find(*this, key);
  if (node == nullptr) return out;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    fail(key, fmt::format("{}; write [[{}]]", wrong_type(key, "an array of tables", type_of(*node)),
                          path_of(key)));
    return out;
  }
  for (const toml::node& element : *array) {
    if (const toml::table* inner = element.as_table()) {
      out.push_back(Table(document_, inner, fmt::format("{}#{}", path_of(key), out.size() + 1), findings_));
    } else {
      Nodes::fail(*this, element, wrong_type(key, "an array of tables", type_of(element)));
    }
  }
  return out;
}

void Table::expect(std::string_view key) const { known_.emplace(key); }

void Table::refuse(std::string_view key) const { refused_.emplace(key); }

bool Table::finish() const {
  bool good = true;
  for (const std::string& key : keys()) {
    if (known_.contains(key)) continue;
    fail(key, unknown_text("key", key, {known_.begin(), known_.end()}));
    good = false;
  }
  return good;
}

void Table::fail(std::string_view key, std::string text) const {
  refuse(key);
  findings_.add(place(key), std::move(text));
}

void Table::fail(std::string text) const { findings_.add(place(), std::move(text)); }

std::string Table::path_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : fmt::format("{}.{}", path_, key);
}

Place Table::place() const {
  const toml::table* table = Nodes::of(*this);
  return table == nullptr ? Place{file_name(), 0, 0} : Nodes::place(*this, table->source());
}

Place Table::place(std::string_view key) const {
  if (const toml::table* table = Nodes::of(*this)) {
    if (const auto at = table->find(key); at != table->end()) return Nodes::place(*this, at->first.source());
  }
  return place();
}

const std::string& Table::file_name() const {
  static const std::string none;
  return document_ ? document_->file : none;
}

std::filesystem::path Table::directory() const { return std::filesystem::path(file_name()).parent_path(); }

Table Table::reporting_to(const Findings& findings) const {
  Table copy = *this;
  copy.findings_ = findings;
  return copy;
}

}  // namespace syncd::config
