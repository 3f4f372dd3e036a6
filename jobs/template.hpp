// Template: "user:{id}" against a row.  {{ and }} are braces.  Keys made from a template are injective: two
// rows with different values never share a key.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "jobs/batch.hpp"

namespace syncd::config {
class Table;
}

namespace syncd::jobs {

class PlanContext;

class Template {
 public:
  Template() = default;
  // Throws config::ValueError that says what is wrong and where.
  static Template parse(std::string_view text);

  // The columns that it names, in order, each once.
  std::vector<std::string> fields() const;
  // No column at all: the same text for every row.
  bool constant() const noexcept;
  // Two columns without a text between them: no use as a key, since ("1", "23") would be ("12", "3").
  bool ambiguous() const noexcept;

  // From now on the column `field` is this text.
  void fix(std::string_view field, std::string_view text);
  // The one column that is all of it; "" where it is more, or less.
  std::string only_field() const;

  // Looks the columns up; throws a Config error with the nearest one.
  void bind(const Schema& schema, std::string_view doing);

  // Appends the text for a row; NULL is an empty text.  Precondition: bound to the row's schema.
  void append_text(std::string& out, const Batch& batch, std::size_t row) const;
  // The same as a key: in every value but the last, '%' and the character that follows the value in the
  // template are percent-encoded.  False: a column is NULL, and `out` is of no use.
  bool append_key(std::string& out, const Batch& batch, std::size_t row) const;
  // The first column that is NULL in the row; "" where none is.
  std::string null_field(const Batch& batch, std::size_t row) const;

 private:
  struct Part {
    std::string literal;  // comes first
    std::string field;    // "" in a part that is only its literal
    std::size_t column = 0;
    bool has_field = false;
    char separator = '\0';  // what follows the field; '\0' for the last one
  };
  std::vector<Part> parts_;
};

// The template at `key`, its columns checked against the stream.
Template read_template(const config::Table& table, const char* key, const std::string& text,
                       const PlanContext& context);

}  // namespace syncd::jobs
