// How the text of a file is encoded.  What is delivered is UTF-8; a file that says it is UTF-8 is passed on
// as it is, byte by byte, also where it is not.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "config/names.hpp"

namespace syncd::jobs {

enum class Encoding : std::uint8_t { Auto, Utf8, Utf16le, Utf16be, Latin1 };
constexpr auto enum_names(Encoding) {
  return std::array{config::EnumName("auto", Encoding::Auto), config::EnumName("utf-8", Encoding::Utf8),
                    config::EnumName("utf-16le", Encoding::Utf16le),
                    config::EnumName("utf-16be", Encoding::Utf16be),
                    config::EnumName("latin-1", Encoding::Latin1)};
}

// An encoding that is not Auto, and the length of the byte-order mark that the file begins with.
struct Detected {
  Encoding encoding = Encoding::Utf8;
  std::size_t mark = 0;
};

// From the first bytes of a file; nullopt: too few to tell, more may come.  `all`: these are all of them.
std::optional<Detected> detect(Encoding asked, std::string_view head, bool all);

// Of one code unit, in bytes.
constexpr std::size_t unit_size(Encoding encoding) noexcept {
  return encoding == Encoding::Utf16le || encoding == Encoding::Utf16be ? 2 : 1;
}

// `text` (ASCII) in the encoding.
std::string encoded(Encoding encoding, std::string_view text);

// Appends `raw` as UTF-8.  What is no character (a lone surrogate, half a unit) becomes U+FFFD.
void append_utf8(Encoding encoding, std::string_view raw, std::string& out);

// Whether `raw` is its own UTF-8.
bool is_utf8_already(Encoding encoding, std::string_view raw) noexcept;

// The largest number of bytes, at most `most`, after which `raw` can be cut without cutting a character.
std::size_t cut_at_character(Encoding encoding, std::string_view raw, std::size_t most) noexcept;

}  // namespace syncd::jobs
