#include "daemon/postgres/failure.hpp"

#include "config/secret.hpp"

namespace syncd::postgres {

std::string one_line(std::string_view text) {
  const std::string redacted = config::redact_uri(text);
  std::string out;
  bool closing = false;
  for (std::size_t start = 0; start < redacted.size();) {
    const std::size_t end = std::min(redacted.find('\n', start), redacted.size());
    std::string_view line(redacted.data() + start, end - start);
    start = end + 1;
    const std::size_t first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) continue;
    line.remove_prefix(first);
    if (line == "^" || line.starts_with("LINE ")) continue;
    // libpq explains at length what "closed the connection unexpectedly" may mean.
    if (line.starts_with("This probably means") || line.starts_with("before or while processing")) continue;
    const auto labelled = [&line](std::string_view label) {
      if (!line.starts_with(label)) return false;
      line.remove_prefix(label.size());
      line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
      return true;
    };
    const bool hint = labelled("HINT:");
    const bool detail = !hint && labelled("DETAIL:");
    if (hint || detail) {
      if (closing) out += ')';
      out += hint ? " (hint: " : " (";
      closing = true;
    } else if (!out.empty()) {
      out += "; ";
    }
    // libpqxx 7 says first which of its statements it was; the names are its own.
    constexpr std::string_view kDuring = "Failure during '";
    if (const std::size_t end_of_name = line.find("': ");
        line.starts_with(kDuring) && end_of_name != line.npos) {
      line.remove_prefix(end_of_name + 3);
    }
    for (const std::string_view label : {"ERROR:", "FATAL:"}) labelled(label);
    out += line;
  }
  if (closing) out += ')';
  return out;
}

std::string lost_text(std::string_view why) {
  const std::string text = "the connection to PostgreSQL is lost";
  // libpqxx 6 asks the dead connection for its encoding first, and so buries what libpq knew; 7 says the same
  // as we do.
  if (why.empty() || why.find("client encoding") != why.npos ||
      why.starts_with("Lost connection to the database server")) {
    return text;
  }
  return text + ": " + std::string(why);
}

bool refused_for_good(std::string_view text) {
  for (const char* words : {"authentication failed", "no pg_hba.conf entry", "pg_hba.conf rejects",
                            "does not exist", "permission denied", "no password supplied", "certificate",
                            "SSL is not enabled", "does not support SSL", "not permitted to log in"}) {
    if (text.find(words) != std::string_view::npos) return true;
  }
  return false;
}

ErrorKind kind_of(std::string_view sqlstate) {
  const std::string_view group = sqlstate.substr(0, 2);
  if (group == "08" || group == "40" || group == "53" || group == "55" || group == "57" || group == "58") {
    return ErrorKind::Transient;
  }
  // What is wrong with a value, a constraint, a check option, too large a row, and RAISE of a trigger.
  if (group == "22" || group == "23" || group == "44" || sqlstate == "54000" || sqlstate == "P0001") {
    return ErrorKind::Data;
  }
  return ErrorKind::Permanent;
}
bool ends_session(std::string_view sqlstate) {
  return sqlstate.substr(0, 2) == "08" || sqlstate == "57P01" || sqlstate == "57P02" || sqlstate == "57P03" ||
         sqlstate == "57P05" || sqlstate == "25P03";
}

}  // namespace syncd::postgres
