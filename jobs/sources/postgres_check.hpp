// What `syncctl check --online` says about a table and its cursor.
#pragma once
#include "jobs/component.hpp"
#include "jobs/sources/postgres_table.hpp"

namespace syncd::jobs {

CheckNotes check_table(postgres::Session& session, const PostgresTableOptions& options);

}  // namespace syncd::jobs
