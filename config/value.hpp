// One value of a Fields declaration: how each supported type is read, checked against its rules and
// described.  The overload set here is the list of types that an option may have.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "config/duration.hpp"
#include "config/names.hpp"
#include "config/secret.hpp"
#include "config/table.hpp"

namespace syncd::config {

// A string, number or boolean as text, to be compared with a cell: `equals = 7`.
struct Scalar {
  std::string text;
  friend bool operator==(const Scalar&, const Scalar&) = default;
};
// A list of them, `in = [1, 2]`; one alone counts as a list of one.
struct Scalars {
  std::vector<std::string> texts;
  friend bool operator==(const Scalars&, const Scalars&) = default;
};

// A bound of a range, in the kind of the option that it limits.
using Bound = std::variant<std::int64_t, double, std::chrono::nanoseconds, Bytes>;

struct Rules {
  std::optional<Bound> min;
  std::optional<Bound> max;
  std::vector<std::string> one_of;  // strings, and each string of a list
};

// "1 to 100000", "at least 1s", "fence | xid | ignore"; "" without rules.
std::string describe(const Rules& rules);

namespace detail {

// Reads the present key into `out`; on false a finding was added and `out` is as it was.
bool read_value(const Table& table, const std::string& key, const Rules& rules, bool& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, double& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, std::string& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules,
                std::vector<std::string>& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, OrderedStrings& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules,
                std::chrono::nanoseconds& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, DurationRange& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Bytes& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Secret& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Uri& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Scalar& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Scalars& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, Table& out);
bool read_value(const Table& table, const std::string& key, const Rules& rules, std::vector<Table>& out);
bool read_integer(const Table& table, const std::string& key, const Rules& rules, std::int64_t least,
                  std::uint64_t most, std::int64_t& out);

template <std::integral T>
requires(!std::same_as<T, bool>) bool read_value(const Table& table, const std::string& key,
                                                 const Rules& rules, T& out) {
  std::int64_t wide = 0;
  if (!read_integer(table, key, rules, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                    static_cast<std::uint64_t>(std::numeric_limits<T>::max()), wide)) {
    return false;
  }
  out = static_cast<T>(wide);
  return true;
}

template <NamedEnum E>
bool read_value(const Table& table, const std::string& key, const Rules& rules, E& out) {
  std::string text;
  if (!read_value(table, key, rules, text)) return false;  // rules.one_of holds the names
  for (const auto& entry : enum_names(E{})) {
    if (entry.name == text) out = entry.value;
  }
  return true;
}

template <class T>
bool read_value(const Table& table, const std::string& key, const Rules& rules, std::optional<T>& out) {
  T value{};
  if (!read_value(table, key, rules, value)) return false;
  out = std::move(value);
  return true;
}

// The type in the words of the documentation, and a value as it would stand in the file ("" for none).
template <class T>
struct Describe;

template <std::integral T>
requires(!std::same_as<T, bool>) struct Describe<T> {
  static constexpr std::string_view kType = "integer";
  static std::string text(T value) { return std::to_string(value); }
};
template <NamedEnum E>
struct Describe<E> {
  static constexpr std::string_view kType = "string";
  static std::string text(E value) { return '"' + std::string(enum_text(value)) + '"'; }
};
template <class T>
struct Describe<std::optional<T>> {
  static constexpr std::string_view kType = Describe<T>::kType;
  static std::string text(const std::optional<T>& value) {
    return value ? Describe<T>::text(*value) : std::string();
  }
};

#define SYNCD_DESCRIBE(Type, name)                  \
  template <>                                       \
  struct Describe<Type> {                           \
    static constexpr std::string_view kType = name; \
    static std::string text(const Type& value);     \
  }
SYNCD_DESCRIBE(bool, "boolean");
SYNCD_DESCRIBE(double, "number");
SYNCD_DESCRIBE(std::string, "string");
SYNCD_DESCRIBE(std::vector<std::string>, "list of strings");
SYNCD_DESCRIBE(OrderedStrings, "table of strings");
SYNCD_DESCRIBE(std::chrono::nanoseconds, "duration");
SYNCD_DESCRIBE(DurationRange, "duration range");
SYNCD_DESCRIBE(Bytes, "size");
SYNCD_DESCRIBE(Secret, "secret");
SYNCD_DESCRIBE(Uri, "address");
SYNCD_DESCRIBE(Scalar, "string, number or boolean");
SYNCD_DESCRIBE(Scalars, "list of strings, numbers or booleans");
SYNCD_DESCRIBE(Table, "table");
SYNCD_DESCRIBE(std::vector<Table>, "array of tables");
#undef SYNCD_DESCRIBE

template <class T>
struct Unwrap {
  using type = T;
};
template <class T>
struct Unwrap<std::optional<T>> {
  using type = T;
};

}  // namespace detail
}  // namespace syncd::config
