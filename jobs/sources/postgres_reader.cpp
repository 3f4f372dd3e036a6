#include "jobs/sources/postgres_reader.hpp"

namespace syncd::jobs {

void PostgresReader::guard(postgres::Session& session) {
  if (identity_.empty() || known_.contains(session.number())) return;
  const std::string now = load_identity(session, *TableName::parse(options_.table));
  if (now != identity_) {
    throw Error(ErrorKind::Transient,
                "the address leads to " + explain_identity(now, identity_) + " in the middle of a run");
  }
  known_.insert(session.number());
}

}  // namespace syncd::jobs
