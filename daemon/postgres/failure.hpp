// What PostgreSQL and libpq say, as errors for people and policy.  Pure text: names no library.
#pragma once
#include <string>
#include <string_view>

#include "daemon/base/error.hpp"

namespace syncd::postgres {

// The server's words on one line: "relation "x" does not exist (hint: ...)".  The statement itself and the
// caret below it are left out; passwords in an address are hidden.
std::string one_line(std::string_view text);

// "the connection to PostgreSQL is lost", with the reason where there is one; `why` is one_line() already.
std::string lost_text(std::string_view why = "");

// A refused connection carries no SQLSTATE, only the server's words: will it be refused again?
bool refused_for_good(std::string_view text);

// SQLSTATE classes: https://www.postgresql.org/docs/15/errcodes-appendix.html.  Data: this row, not others.
ErrorKind kind_of(std::string_view sqlstate);
bool ends_session(std::string_view sqlstate);

}  // namespace syncd::postgres
