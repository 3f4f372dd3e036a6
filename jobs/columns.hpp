// Resolving field names against a stream, at check time where its columns are known, else at run time.
#pragma once
#include <string>
#include <vector>

#include "jobs/component.hpp"

namespace syncd::jobs {

// Reports at `key` every name that is no column of the stream; true when all are, or nothing is known; false
// where the key was refused before.
bool check_columns(const config::Table& table, std::string_view key, const Stream& stream,
                   const std::vector<std::string>& names);

// The index of each name; throws a Config error with the nearest column.
std::vector<std::size_t> resolve_columns(const Schema& schema, const std::vector<std::string>& names,
                                         std::string_view doing);

// The index of each name; of all columns where none is named.
std::vector<std::size_t> chosen_columns(const Schema& schema, const std::vector<std::string>& fields);

}  // namespace syncd::jobs
