#include "jobs/transforms/summarize_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "daemon/coro/scope.hpp"

namespace syncd::jobs {
namespace {

// As long as the number of rows can be.
constexpr std::uint64_t kManyRows = 1'000'000'000;

// The first byte of a character, in UTF-8.
bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) != 0x80; }

// Where a line that is too long is cut; past its begin in any case.
std::size_t cut_of(const std::string& text, std::size_t begin, std::size_t most) {
  std::size_t end = begin + most;
  while (end > begin + 1 && !begins_character(text[end])) --end;
  return end;
}

std::string line_of(std::size_t part, const std::string& answer) {
  const nlohmann::ordered_json json = {{"part", part}, {"answer", answer}};
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

}  // namespace

// Questions that do not depend on each other.  A class, not an aggregate: a coroutine holds it.
class Tree::Level {
 public:
  Level(const Prompt& prompt_in, std::string key_in, std::vector<std::string> parts_in)
      : prompt(&prompt_in), key(std::move(key_in)), parts(std::move(parts_in)), answers(parts.size()) {}
  const Prompt* prompt;
  std::string key;
  std::vector<std::string> parts;
  std::vector<store::LlmAnswer> answers;  // one a part
  std::size_t next = 0;
  std::exception_ptr error;  // the first one: nothing more is asked then
};

std::vector<std::string> parts_of(const std::string& lines, std::size_t most) {
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin < lines.size()) {
    std::size_t end = lines.size();
    if (end - begin > most) {
      const auto newline = lines.rfind('\n', begin + most - 1);
      const bool whole = newline != std::string::npos && newline >= begin;
      end = whole ? newline + 1 : cut_of(lines, begin, most);
    }
    parts.push_back(lines.substr(begin, end - begin));
    begin = end;
  }
  return parts;
}

// Bytes of data that a prompt has room for.
std::size_t Tree::room(const Prompt& prompt, const std::string& key) const {
  const std::uint64_t all = estimated_bytes(*options_.context);
  const std::uint64_t frame = options_.prompt.system().size() + prompt.user("", kManyRows, key).size();
  return all > frame + 1 ? all - frame : 1;
}

bool Tree::needed(std::size_t data, const std::string& key) const {
  return options_.context && data > room(options_.prompt, key);
}

Task<store::LlmAnswer> Tree::answer(std::string data, std::string key) {
  Level level(options_.prompt, key, parts_of(data, room(options_.prompt, key)));
  data = std::string();
  const std::size_t longest_answer = estimated_bytes(options_.ask.max_tokens);
  store::LlmUse use;
  while (true) {
    co_await ask_all(level);
    std::string answers;
    for (std::size_t i = 0; i < level.answers.size(); ++i) {
      const store::LlmAnswer& answer = level.answers[i];
      use.input += answer.use.input;
      use.output += answer.use.output;
      use.cost += answer.use.cost;
      // Not known yet: it may become so long.
      const bool foreseen = answer.text == Desk::kForeseen;
      answers += line_of(i + 1, foreseen ? std::string(longest_answer, '.') : answer.text);
    }
    if (level.answers.size() == 1) break;
    std::vector<std::string> parts = parts_of(answers, room(options_.combine, key));
    if (parts.size() >= level.answers.size()) {
      throw Error(ErrorKind::Data, fmt::format("the answers to {} parts are too long to be summarised within "
                                               "`context`",
                                               level.answers.size()));
    }
    level = Level(options_.combine, key, std::move(parts));
  }
  store::LlmAnswer last = std::move(level.answers.front());
  last.use = use;
  co_return last;
}

// Each that was sent is waited for, also after a failure: it is paid for.
Task<> Tree::ask_all(Level& level) {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope asking(stop);
  // In a batch all are asked together; a stream's next one can still be spared after a failure.
  const bool together = options_.desk.batch.mode != Mode::kStream;
  const std::size_t most = together ? level.parts.size() : options_.desk.in_flight;
  for (std::size_t i = 0; i < std::min(most, level.parts.size()); ++i) asking.spawn(ask_some(level));
  co_await asking.join();
  if (level.error) std::rethrow_exception(level.error);
}

Task<> Tree::ask_some(Level& level) {
  while (level.next < level.parts.size() && !level.error) {
    const std::size_t index = level.next++;
    const std::string data = std::move(level.parts[index]);
    llm::Ask ask = options_.ask;
    ask.system = options_.prompt.system();
    ask.user = level.prompt->user(
        data, static_cast<std::uint64_t>(std::count(data.begin(), data.end(), '\n')), level.key);
    try {
      level.answers[index] = co_await desk_.answer(std::move(ask));
    } catch (...) {
      if (!level.error) level.error = std::current_exception();
    }
  }
}

}  // namespace syncd::jobs
