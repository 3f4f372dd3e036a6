#include "daemon/redis/reply.hpp"

#include <array>

namespace syncd::redis {
namespace {

struct Meaning {
  std::string_view code;
  ErrorKind kind;
  std::string_view remedy;
};

constexpr std::array kMeanings = {
    Meaning{"OOM", ErrorKind::Transient, "Redis is out of memory: raise maxmemory or free some"},
    Meaning{"LOADING", ErrorKind::Transient, "Redis is loading its data"},
    Meaning{"READONLY", ErrorKind::Transient, "this Redis is a replica: connect to the primary"},
    Meaning{"MISCONF", ErrorKind::Transient, "Redis cannot write its snapshot: look at its log and disk"},
    Meaning{"BUSY", ErrorKind::Transient, "a script of somebody blocks Redis"},
    Meaning{"CLUSTERDOWN", ErrorKind::Transient, ""},
    Meaning{"MASTERDOWN", ErrorKind::Transient, ""},
    Meaning{"TRYAGAIN", ErrorKind::Transient, ""},
    Meaning{"NOREPLICAS", ErrorKind::Transient, "too few replicas are connected"},
    Meaning{"UNBLOCKED", ErrorKind::Transient, ""},
    Meaning{"UNKILLABLE", ErrorKind::Transient, "a script of somebody blocks Redis"},
    Meaning{"NOAUTH", ErrorKind::Permanent, "set password in the connection"},
    Meaning{"WRONGPASS", ErrorKind::Permanent, "user or password is wrong"},
    Meaning{"DENIED", ErrorKind::Permanent, "set a password in Redis"},
    Meaning{"NOPERM", ErrorKind::Permanent, "the user's ACL does not allow it"},
    Meaning{"MOVED", ErrorKind::Permanent, "Redis Cluster is not supported"},
    Meaning{"CROSSSLOT", ErrorKind::Permanent, "Redis Cluster is not supported"},
};

const Meaning* find_meaning(std::string_view text) noexcept {
  static constexpr Meaning kFull{"ERR", ErrorKind::Transient, "raise maxclients or stop some clients"};
  if (text.starts_with("ERR max number of clients")) return &kFull;
  static constexpr Meaning kTooLarge{
      "ERR", ErrorKind::Transient,
      "a value is larger than proto-max-bulk-len allows: raise it, or write smaller rows"};
  if (text.starts_with("ERR Protocol error: invalid bulk length")) return &kTooLarge;
  static constexpr Meaning kNotUnderstood{"ERR", ErrorKind::Transient, ""};
  if (ends_connection(text)) return &kNotUnderstood;
  const std::string_view code = text.substr(0, text.find(' '));
  for (const Meaning& meaning : kMeanings) {
    if (meaning.code == code) return &meaning;
  }
  // "EXECABORT Transaction discarded because of: OOM ..." (Redis 7)
  constexpr std::string_view kBecause = "because of: ";
  if (code == "EXECABORT") {
    const auto why = text.find(kBecause);
    if (why != std::string_view::npos) return find_meaning(text.substr(why + kBecause.size()));
  }
  return nullptr;
}

}  // namespace

bool ends_connection(std::string_view text) noexcept { return text.starts_with("ERR Protocol error"); }

ErrorKind kind_of_error(std::string_view text) noexcept {
  const Meaning* meaning = find_meaning(text);
  if (meaning != nullptr) return meaning->kind;
  return text.substr(0, 9) == "EXECABORT" ? ErrorKind::Transient : ErrorKind::Data;
}

Error to_error(std::string_view text) {
  const Meaning* meaning = find_meaning(text);
  std::string full = "Redis: " + std::string(text);
  if (meaning != nullptr && !meaning->remedy.empty()) full += " (" + std::string(meaning->remedy) + ")";
  return Error(kind_of_error(text), full);
}

Error to_commit_error(std::string_view text) {
  const Error error = to_error(text);
  return Error(error.kind() == ErrorKind::Data ? ErrorKind::Permanent : error.kind(), error.what());
}

}  // namespace syncd::redis
