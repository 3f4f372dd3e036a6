// What `check --online` finds about a table that is to be written.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "jobs/component.hpp"
#include "jobs/predicate.hpp"
#include "jobs/sinks/postgres_checkpoint.hpp"

namespace syncd::jobs {

struct PostgresSinkOptions {
  std::string connection;
  std::string table;
  std::vector<std::string> columns;
  std::vector<std::string> key;
  std::optional<PredicateOptions> delete_if;
  std::string checkpoint_table = "syncd_checkpoint";
  std::optional<std::vector<std::string>> stream;  // the columns of the rows, where they are known
};

// On a session's thread.
CheckNotes check_target(postgres::Session& session, const PostgresSinkOptions& options,
                        const PostgresCheckpoint& checkpoint);

}  // namespace syncd::jobs
