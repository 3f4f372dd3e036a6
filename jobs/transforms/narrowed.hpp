// Batches with some of their columns: what `select` and `drop_fields` have in common.
#pragma once
#include <functional>

#include "jobs/component.hpp"

namespace syncd::jobs {

// The indices of the columns that stay, in their new order; asked once for each schema that comes.
using ColumnChoice = std::function<std::vector<std::size_t>(const Schema&)>;

Batches narrowed(Batches upstream, ColumnChoice choose);

}  // namespace syncd::jobs
