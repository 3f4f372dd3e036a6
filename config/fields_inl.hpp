// The templates of fields.hpp that are too long to stand in it; include that one.
#pragma once

#include "config/fields.hpp"

namespace syncd::config {

template <class Options>
template <class T, class Owner>
Fields<Options>& Fields<Options>::declare(std::string key, T Owner::*member, std::string help,
                                          bool required) {
  using Value = typename detail::Unwrap<T>::type;
  detail::Field<Options> field;
  field.doc = {.key = key,
               .type_name = std::string(detail::Describe<T>::kType),
               .default_text = required ? std::string() : detail::Describe<T>::text(Options{}.*member),
               .range_text = {},
               .required = required,
               .help = std::move(help),
               .example = {}};
  field.value_type = &typeid(Value);
  if constexpr (NamedEnum<Value>) {
    for (const auto& entry : enum_names(Value{})) field.rules.one_of.emplace_back(entry.name);
    field.doc.range_text = describe(field.rules);
  }
  field.read = [key, member](const Table& table, const Rules& rules, Options& options) {
    return detail::read_value(table, key, rules, options.*member);
  };
  field.attach = [member](detail::Field<Options>& self, const void* function) {
    using Function = std::function<std::optional<std::string>(const Value&)>;
    self.checks.push_back([member, wrong = *static_cast<const Function*>(function)](const Options& options) {
      if constexpr (std::same_as<T, Value>) {
        return wrong(options.*member);
      } else {
        return wrong(*(options.*member));
      }
    });
  };
  fields_.push_back(std::move(field));
  return *this;
}

template <class Options>
template <class Nested, class Member, class Owner>
Fields<Options>& Fields<Options>::declare_nested(std::string key, Member Owner::*member,
                                                 const Fields<Nested>& fields, std::string help,
                                                 bool required) {
  constexpr bool kList = std::same_as<Member, std::vector<Nested>>;
  static_assert(kList || std::same_as<Member, Nested> || std::same_as<Member, std::optional<Nested>>);
  detail::Field<Options> field;
  field.doc = {.key = key,
               .type_name = kList ? "array of tables" : "table",
               .default_text = {},
               .range_text = {},
               .required = required,
               .help = std::move(help),
               .example = {}};
  field.nested = fields.docs();
  field.value_type = &typeid(Nested);
  field.read = [key, member, fields](const Table& table, const Rules&, Options& options) {
    if constexpr (kList) {
      bool good = table.type(key) == Type::kArray;
      std::vector<Nested> list;
      for (const Table& entry : table.tables(key)) good &= fields.read(entry, list.emplace_back());
      options.*member = std::move(list);
      return good;
    } else {
      const std::optional<Table> inner = table.table(key);
      if (!inner) return false;
      if constexpr (std::same_as<Member, Nested>) {
        return fields.read(*inner, options.*member);
      } else {
        return fields.read(*inner, (options.*member).emplace());
      }
    }
  };
  field.attach = [](detail::Field<Options>& self, const void*) {
    detail::bad_declaration(self.doc.key, "a table is checked by its own fields");
  };
  fields_.push_back(std::move(field));
  return *this;
}

template <class Options>
template <class Base>
requires std::derived_from<Options, Base> Fields<Options>
&Fields<Options>::include(const Fields<Base>& base) {
  for (const detail::Field<Base>& theirs : base.fields_) {
    detail::Field<Options> field;
    field.doc = theirs.doc;
    field.rules = theirs.rules;
    field.nested = theirs.nested;
    field.value_type = theirs.value_type;
    field.read = theirs.read;  // Options& converts to Base&
    field.checks.insert(field.checks.end(), theirs.checks.begin(), theirs.checks.end());
    field.attach = [](detail::Field<Options>& self, const void*) {
      detail::bad_declaration(self.doc.key, "add the check where the field is declared");
    };
    fields_.push_back(std::move(field));
  }
  return *this;
}

template <class Options>
bool Fields<Options>::read_fields(const Table& table, Options& options) const {
  bool good = true;
  for (const detail::Field<Options>& field : fields_) {
    const std::string& key = field.doc.key;
    table.expect(key);
    if (!table.has(key)) {
      if (field.doc.required) detail::fail_required(table, key);
      good &= !field.doc.required;
      continue;
    }
    if (!field.read(table, field.rules, options)) {
      table.refuse(key);
      good = false;
      continue;
    }
    for (const auto& wrong : field.checks) {
      const std::optional<std::string> text = wrong(options);
      if (!text) continue;
      table.fail(key, "'" + key + "' " + *text);
      good = false;
    }
  }
  return good;
}

template <class Options>
bool Fields<Options>::read(const Table& table, Options& options) const {
  const bool good = read_fields(table, options);
  return table.finish() && good;
}

template <class Options>
std::vector<FieldDoc> Fields<Options>::docs() const {
  std::vector<FieldDoc> all;
  for (const detail::Field<Options>& field : fields_) {
    all.push_back(field.doc);
    detail::append_nested(field.doc, field.nested, all);
  }
  return all;
}

}  // namespace syncd::config
