// "Did you mean": the nearest known word to one that is not known.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace syncd::config {

// The known word that begins with `word`, or that has the smallest edit distance to it (insert, delete,
// replace, swap of neighbours; '-' is '_', case does not count); "" when none is near enough to be what
// the writer meant: a third of the longer word.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

// "unknown WHAT 'word'; did you mean 'near'?", or "...; known: a, b, c" when nothing is near, or just
// the first part when nothing is known.
std::string unknown_text(std::string_view what, std::string_view word, const std::vector<std::string>& known);

}  // namespace syncd::config
