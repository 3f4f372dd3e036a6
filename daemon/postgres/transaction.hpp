// Transaction: statements that write, all of them or none.  A session is read-only but for this.
#pragma once
#include "daemon/base/error.hpp"
#include "daemon/postgres/session.hpp"

namespace syncd::postgres {

class Transaction {
 public:
  // On the session's thread, as everything here.
  explicit Transaction(Session& session) : session_(session) { session_.exec("BEGIN READ WRITE"); }
  // Undoes what was not committed.
  ~Transaction() {
    if (!open_ || session_.broken()) return;
    try {
      session_.exec("ROLLBACK");
    } catch (const Error&) {
      session_.abandon();  // nobody knows what it is in the middle of
    }
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;

  // Throws where it did not happen, or nobody knows whether it did: then the connection is lost too.
  void commit() {
    session_.exec("COMMIT");
    open_ = false;
  }

 private:
  Session& session_;
  bool open_ = true;
};

}  // namespace syncd::postgres
