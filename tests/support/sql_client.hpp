// SqlClient: one session with PostgreSQL, driven statement by statement.
#pragma once
#include <libpq-fe.h>

#include <stdexcept>
#include <string>

namespace syncd::test {

class SqlClient {
 public:
  explicit SqlClient(const std::string& uri) : connection_(PQconnectdb(uri.c_str())) {
    if (PQstatus(connection_) == CONNECTION_OK) return;
    const std::string why = PQerrorMessage(connection_);
    PQfinish(connection_);
    throw std::runtime_error(why);
  }
  ~SqlClient() { PQfinish(connection_); }
  SqlClient(const SqlClient&) = delete;
  SqlClient& operator=(const SqlClient&) = delete;

  // One simple query; the first cell of the first row.  Throws the server's message.
  std::string exec(const std::string& sql) {
    PGresult* result = PQexec(connection_, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    const bool good = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    std::string text =
        good ? (PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "") : PQresultErrorMessage(result);
    PQclear(result);
    if (!good) throw std::runtime_error(text + " in: " + sql);
    return text;
  }
  bool connected() const { return PQstatus(connection_) == CONNECTION_OK; }
  int pid() const { return PQbackendPID(connection_); }

 private:
  PGconn* connection_;
};

}  // namespace syncd::test
