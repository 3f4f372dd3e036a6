#include "jobs/sources/file_encoding.hpp"

#include <algorithm>

namespace syncd::jobs {
namespace {

constexpr std::string_view kUtf8Mark = "\xEF\xBB\xBF";
constexpr std::string_view kUtf16leMark = "\xFF\xFE";
constexpr std::string_view kUtf16beMark = "\xFE\xFF";

void append_code_point(std::uint32_t c, std::string& out) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80U | ((c >> shift) & 0x3FU)); };
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xC0U | (c >> 6U));
    tail(0);
  } else if (c < 0x10000) {
    out += static_cast<char>(0xE0U | (c >> 12U));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0U | (c >> 18U));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::uint32_t unit_at(bool little, std::string_view raw, std::size_t at) {
  const auto first = static_cast<unsigned char>(raw[at]);
  const auto second = static_cast<unsigned char>(raw[at + 1]);
  return little ? first | (second << 8U) : (first << 8U) | second;
}
constexpr bool high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
constexpr bool low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

void append_utf16(bool little, std::string_view raw, std::string& out) {
  std::size_t i = 0;
  for (; i + 1 < raw.size(); i += 2) {
    const std::uint32_t unit = unit_at(little, raw, i);
    if (high_surrogate(unit) && i + 3 < raw.size() && low_surrogate(unit_at(little, raw, i + 2))) {
      i += 2;
      append_code_point(0x10000 + ((unit - 0xD800) << 10U) + (unit_at(little, raw, i) - 0xDC00), out);
    } else {
      append_code_point(unit >= 0xD800 && unit < 0xE000 ? 0xFFFD : unit, out);
    }
  }
  if (i < raw.size()) append_code_point(0xFFFD, out);
}

}  // namespace

std::optional<Detected> detect(Encoding asked, std::string_view head, bool all) {
  struct Known {
    std::string_view mark;
    Encoding encoding;
  };
  static constexpr Known kKnown[] = {
      {kUtf8Mark, Encoding::Utf8}, {kUtf16leMark, Encoding::Utf16le}, {kUtf16beMark, Encoding::Utf16be}};
  for (const Known& known : kKnown) {
    if (asked != Encoding::Auto && asked != known.encoding) continue;
    if (head.starts_with(known.mark)) return Detected{known.encoding, known.mark.size()};
    if (!all && known.mark.starts_with(head)) return std::nullopt;
  }
  return Detected{asked == Encoding::Auto ? Encoding::Utf8 : asked, 0};
}

std::string encoded(Encoding encoding, std::string_view text) {
  if (unit_size(encoding) == 1) return std::string(text);
  std::string out;
  for (const char c : text) {
    if (encoding == Encoding::Utf16be) out += '\0';
    out += c;
    if (encoding == Encoding::Utf16le) out += '\0';
  }
  return out;
}

void append_utf8(Encoding encoding, std::string_view raw, std::string& out) {
  switch (encoding) {
    case Encoding::Utf16le:
    case Encoding::Utf16be:
      append_utf16(encoding == Encoding::Utf16le, raw, out);
      break;
    case Encoding::Latin1:
      for (const char c : raw) append_code_point(static_cast<unsigned char>(c), out);
      break;
    case Encoding::Auto:
    case Encoding::Utf8:
      out += raw;
      break;
  }
}

bool is_utf8_already(Encoding encoding, std::string_view raw) noexcept {
  if (unit_size(encoding) != 1) return raw.empty();
  if (encoding != Encoding::Latin1) return true;
  return std::none_of(raw.begin(), raw.end(),
                      [](char c) { return (static_cast<unsigned char>(c) & 0x80U) != 0; });
}

std::size_t cut_at_character(Encoding encoding, std::string_view raw, std::size_t most) noexcept {
  if (raw.size() <= most) return raw.size();
  if (unit_size(encoding) == 2) {
    std::size_t cut = most & ~std::size_t{1};
    if (cut >= 2 && high_surrogate(unit_at(encoding == Encoding::Utf16le, raw, cut - 2))) cut -= 2;
    return cut != 0 ? cut : most;
  }
  if (encoding == Encoding::Latin1) return most;
  // A sequence has at most three bytes behind its first; more of them are no UTF-8, to be cut anywhere.
  for (std::size_t back = 0; back < 4 && back < most; ++back) {
    if ((static_cast<unsigned char>(raw[most - back]) & 0xC0U) != 0x80) return most - back;
  }
  return most;
}

}  // namespace syncd::jobs
