// The one way for text from outside (rows, server errors, names) to reach a terminal or a log line.
#pragma once
#include <string>
#include <string_view>

namespace syncd {

// Valid UTF-8 stays; C0 and C1 controls, DEL, bidirectional controls, line and paragraph separators and
// every byte that is not UTF-8 come out as \n, \t, \xNN or \u{NNNN}.  Idempotent on its own output.
std::string escaped(std::string_view text);

// Appends `text` as a quoted JSON string: controls are escaped, a byte that is not UTF-8 becomes U+FFFD.
// Allocates only to grow `out`.
void append_json_string(std::string& out, std::string_view text);

// The length of the valid UTF-8 sequence at the start of `text`, 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) noexcept;

}  // namespace syncd
