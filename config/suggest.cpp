// Edit distance over folded words; the words of a configuration are few and short, so no index.
#include "config/suggest.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>

namespace syncd::config {

namespace {

// "batch-rows" and "Batch_Rows" mean "batch_rows".
std::string folded(std::string_view word) {
  std::string out(word);
  for (char& c : out) c = c == '-' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
std::size_t distance(const std::string& a, const std::string& b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  constexpr std::size_t kLongest = 100;  // nobody mistypes more; bounds the work on a hostile file
  constexpr std::size_t kShortest = 3;   // a letter in place of another says nothing in "a"
  if (word.size() > kLongest) return {};
  const std::string wanted = folded(word);
  std::string best;
  std::size_t best_score = 2 * kLongest;
  for (const std::string& candidate : known) {
    const std::string other = folded(candidate);
    // A beginning is what somebody meant who remembered half of it: nearer than any mistake.
    const bool beginning = wanted.size() >= kShortest && other.starts_with(wanted);
    const std::size_t far = distance(wanted, other);
    const std::size_t longer = std::max(wanted.size(), other.size());
    if (!beginning && far > (longer < kShortest ? 0 : longer / 3)) continue;
    const std::size_t score = beginning && far > 0 ? 1 : 2 * far;
    if (score < best_score) {
      best = candidate;
      best_score = score;
    }
  }
  return best;
}

std::string unknown_text(std::string_view what, std::string_view word,
                         const std::vector<std::string>& known) {
  std::string text = fmt::format("unknown {} '{}'", what, word);
  if (const std::string near = nearest(word, known); !near.empty()) {
    return text + fmt::format("; did you mean '{}'?", near);
  }
  std::vector<std::string> each;
  for (const std::string& name : known) {
    if (std::find(each.begin(), each.end(), name) == each.end()) each.push_back(name);
  }
  if (!each.empty()) text += fmt::format("; known: {}", fmt::join(each, ", "));
  return text;
}

}  // namespace syncd::config
