// The options of a component, declared once: key, member, help and rules give the parser, the default,
// the validation, the "did you mean" and the documentation.  The default of a key is the initial value
// of its member in Options{}; a wrong declaration (a rule that does not fit) throws std::logic_error.
//
//   const Fields<Options>& fields() {
//     static const auto all = Fields<Options>()
//         .required("table", &Options::table, "schema.table to read").example("public.users")
//         .add("batch_rows", &Options::batch_rows, "rows per page").range(1, 1'000'000)
//         .add("retry", &Options::retry, retry_fields(), "what happens after a failure");
//     return all;
//   }
#pragma once

#include <concepts>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "config/table.hpp"
#include "config/value.hpp"

namespace syncd::config {

// One line of the generated documentation.
struct FieldDoc {
  std::string key;           // nested ones with their path: "retry.attempts"
  std::string type_name;     // "integer", "duration", "list of strings", ...
  std::string default_text;  // as it would stand in the file; "" for none
  std::string range_text;    // "1 to 100000", "halt | skip"; "" for any
  bool required = false;
  std::string help;
  std::string example;  // as it would stand in the file; "" for none
};

namespace detail {

// What Fields<Options> keeps for one key; the rules are separate so that modifiers can reach them.
template <class Options>
struct Field {
  FieldDoc doc;
  Rules rules;
  std::vector<FieldDoc> nested;
  const std::type_info* value_type = nullptr;  // of the member, without std::optional
  std::function<bool(const Table&, const Rules&, Options&)> read;
  std::vector<std::function<std::optional<std::string>(const Options&)>> checks;
  // Turns a check on the value into one on the options; void* is std::function<...(const T&)>*.
  std::function<void(Field&, const void*)> attach;
};

// Converts a bound to the kind of `type`; throws std::logic_error when that makes no sense.
Bound fit_bound(const std::type_info& type, Bound bound, const std::string& key);
[[noreturn]] void bad_declaration(const std::string& key, const std::string& why);
// The example as it would stand in the file: quoted where the type is written as a string.
std::string as_written(const std::string& type_name, std::string example);
void append_nested(const FieldDoc& parent, std::vector<FieldDoc> nested, std::vector<FieldDoc>& out);
void fail_required(const Table& table, const std::string& key);

template <class V>
Bound to_bound(V value) {
  if constexpr (std::integral<V>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::floating_point<V>) {
    return static_cast<double>(value);
  } else if constexpr (std::same_as<V, Bytes>) {
    return value;
  } else {
    return std::chrono::duration_cast<std::chrono::nanoseconds>(value);
  }
}

template <class Signature>
struct CheckArgument;
template <class T>
struct CheckArgument<std::function<std::optional<std::string>(const T&)>> {
  using type = T;
};

}  // namespace detail

template <class Options>
class Fields {
 public:
  // An optional key.  `member` may belong to a base of Options.
  template <class T, class Owner>
  requires std::derived_from<Options, Owner> Fields& add(std::string key, T Owner::*member,
                                                         std::string help) {
    return declare(std::move(key), member, std::move(help), false);
  }
  template <class T, class Owner>
  requires std::derived_from<Options, Owner> Fields& required(std::string key, T Owner::*member,
                                                              std::string help) {
    return declare(std::move(key), member, std::move(help), true);
  }

  // A table with fields of its own; the member is a Nested, a std::optional<Nested> or, for an array
  // of tables, a std::vector<Nested>.
  template <class Nested, class Member, class Owner>
  requires std::derived_from<Options, Owner> Fields& add(std::string key, Member Owner::*member,
                                                         const Fields<Nested>& fields, std::string help) {
    return declare_nested(std::move(key), member, fields, std::move(help), false);
  }
  template <class Nested, class Member, class Owner>
  requires std::derived_from<Options, Owner> Fields& required(std::string key, Member Owner::*member,
                                                              const Fields<Nested>& fields,
                                                              std::string help) {
    return declare_nested(std::move(key), member, fields, std::move(help), true);
  }

  // All fields of a base of Options, in the same table.
  template <class Base>
  requires std::derived_from<Options, Base> Fields& include(const Fields<Base>& base);

  // The following refer to the field declared last.

  // Inclusive bounds for numbers, durations (each end of a range) and sizes.
  template <class Min, class Max>
  Fields& range(Min min, Max max) {
    return at_least(min).at_most(max);
  }
  template <class Min>
  Fields& at_least(Min min) {
    last().rules.min = detail::fit_bound(*last().value_type, detail::to_bound(min), last().doc.key);
    return described();
  }
  template <class Max>
  Fields& at_most(Max max) {
    last().rules.max = detail::fit_bound(*last().value_type, detail::to_bound(max), last().doc.key);
    return described();
  }
  // The strings that are allowed; an enum has its names already.
  Fields& one_of(std::vector<std::string> words) {
    if (*last().value_type != typeid(std::string) && *last().value_type != typeid(std::vector<std::string>)) {
      detail::bad_declaration(last().doc.key, "one_of fits strings only");
    }
    last().rules.one_of = std::move(words);
    return described();
  }
  // For the documentation; without quotes.
  Fields& example(std::string text) {
    last().doc.example = detail::as_written(last().doc.type_name, std::move(text));
    return *this;
  }
  // A callable std::optional<std::string>(const T&) that returns what is wrong with a value that was
  // given ("must name a table"), printed after the key: "'table' must name a table".  T is the member's
  // type, without std::optional.
  template <class Check>
  Fields& check(Check wrong) {
    std::function function{std::move(wrong)};
    using T = typename detail::CheckArgument<decltype(function)>::type;
    if (*last().value_type != typeid(T)) detail::bad_declaration(last().doc.key, "check of another type");
    last().attach(last(), &function);
    return *this;
  }

  // Reads every field and finishes the table.  True when nothing was found; all findings go to the
  // Findings of the table.  Keys that are absent leave their members as they are.
  bool read(const Table& table, Options& options) const;
  // Without looking for unknown keys: for a table that several readers share; the last one finishes.
  bool read_fields(const Table& table, Options& options) const;

  // In the order of declaration, nested ones after their parent.
  std::vector<FieldDoc> docs() const;

 private:
  template <class>
  friend class Fields;

  template <class T, class Owner>
  Fields& declare(std::string key, T Owner::*member, std::string help, bool required);
  template <class Nested, class Member, class Owner>
  Fields& declare_nested(std::string key, Member Owner::*member, const Fields<Nested>& fields,
                         std::string help, bool required);

  detail::Field<Options>& last() {
    if (fields_.empty()) detail::bad_declaration("", "a rule before the first field");
    return fields_.back();
  }
  Fields& described() {
    last().doc.range_text = describe(last().rules);
    return *this;
  }

  std::vector<detail::Field<Options>> fields_;
};

}  // namespace syncd::config

#include "config/fields_inl.hpp"  // IWYU pragma: export
