// The position of postgres_table as text: JSON, versioned, small.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "jobs/sources/fence.hpp"
#include "jobs/sources/server_clock.hpp"

namespace syncd::jobs {

struct PostgresPosition {
  // What the ranges of the fence are for: nothing yet, a second read, or the first one.
  enum class Way { None, Reread, Hold };

  std::string identity;          // of the table that was read: TableInfo::identity
  std::vector<std::string> key;  // the names of the cursor columns
  Way way = Way::None;
  std::uint64_t xmax = 0;           // the highest that was seen there
  std::optional<Start> cursor;      // nullopt: from the beginning
  Fence fence;                      // ranges to read again (re-read), or not yet delivered (hold)
  std::optional<std::string> safe;  // hold: settled up to here, perhaps not delivered yet
  // Hold, while what was passed already is read again: of rows up to here, versions of older transactions
  // have been delivered.
  struct Delivered {
    CursorValues up_to;
    std::uint64_t xid;
  };
  std::optional<Delivered> delivered;
  std::optional<ClockReading> clock;  // of the server, when it was read
};

// Cursor values that are not UTF-8 survive too.
std::string encode(const PostgresPosition& position);
// "" is the beginning.  Throws a Permanent error that says what is wrong with the text.
PostgresPosition decode_postgres_position(std::string_view text);

}  // namespace syncd::jobs
