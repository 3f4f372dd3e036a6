#include "daemon/base/error.hpp"

namespace syncd {

std::string_view to_string(ErrorKind kind) noexcept {
  switch (kind) {
    case ErrorKind::Config:
      return "config";
    case ErrorKind::Transient:
      return "transient";
    case ErrorKind::Permanent:
      return "permanent";
    case ErrorKind::Data:
      return "data";
    case ErrorKind::Fenced:
      return "fenced";
  }
  return "unknown";
}

}  // namespace syncd
