#include "daemon/ctl/keys.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace syncd::ctl {
namespace {

struct Sequence {
  std::string_view text;  // behind ESC
  Key key;
};

constexpr std::array<Sequence, 22> kSequences = {{
    {"[A", Key::Up},        {"OA", Key::Up},    {"[B", Key::Down}, {"OB", Key::Down},  {"[5~", Key::PageUp},
    {"[6~", Key::PageDown}, {"[H", Key::Home},  {"OH", Key::Home}, {"[1~", Key::Home}, {"[7~", Key::Home},
    {"[F", Key::End},       {"OF", Key::End},   {"[4~", Key::End}, {"[8~", Key::End},  {"OP", Key::F1},
    {"[11~", Key::F1},      {"[[A", Key::F1},   {"OS", Key::F4},   {"[14~", Key::F4},  {"[[D", Key::F4},
    {"[17~", Key::F6},      {"[21~", Key::F10},
}};

// The length of the sequence behind ESC, known or not (ECMA-48 5.4: parameters, then one final byte).
std::size_t length_of(std::string_view text) {
  if (text.empty()) return 0;
  if (text[0] == 'O') return std::min<std::size_t>(2, text.size());
  if (text[0] != '[') return 0;
  std::size_t at = 1;
  if (at < text.size() && text[at] == '[') return std::min<std::size_t>(3, text.size());  // the Linux console
  while (at < text.size() && (text[at] < 0x40 || text[at] > 0x7E)) ++at;
  return std::min(at + 1, text.size());
}

std::optional<Key> known(std::string_view sequence) {
  const auto found = std::find_if(kSequences.begin(), kSequences.end(),
                                  [&](const Sequence& each) { return each.text == sequence; });
  return found == kSequences.end() ? std::nullopt : std::make_optional(found->key);
}

}  // namespace

std::vector<Press> presses(std::string_view bytes) {
  std::vector<Press> all;
  while (!bytes.empty()) {
    const char byte = bytes.front();
    bytes.remove_prefix(1);
    if (byte == '\x1b') {
      const std::size_t length = length_of(bytes);
      if (length == 0) {
        all.push_back({Key::Escape});
      } else if (const auto key = known(bytes.substr(0, length))) {
        all.push_back({*key});
      }
      bytes.remove_prefix(length);
    } else if (byte == '\r' || byte == '\n') {
      all.push_back({Key::Enter});
    } else if (byte == '\x7f' || byte == '\b') {
      all.push_back({Key::Backspace});
    } else if (byte >= ' ' && byte <= '~') {
      all.push_back({Key::Text, byte});
    }
  }
  return all;
}

}  // namespace syncd::ctl
