// What a person has pressed, from the bytes that a terminal sends (xterm's sequences, as in ECMA-48 and
// terminfo's xterm entries).
#pragma once
#include <string_view>
#include <vector>

namespace syncd::ctl {

enum class Key {
  Text,  // Press::text
  Up,
  Down,
  PageUp,
  PageDown,
  Home,
  End,
  Enter,
  Escape,
  Backspace,
  F1,
  F4,
  F6,
  F10,
};

struct Press {
  Key key = Key::Text;
  char text = '\0';  // a printable ASCII character
};

// All presses of what one read has brought.  An ESC at its very end is the key: terminals send a sequence in
// one piece.  What is unknown is left out.
std::vector<Press> presses(std::string_view bytes);

}  // namespace syncd::ctl
