// A stranger at either end of the socket: random frames for the daemon, and for the real syncctl a daemon
// that says what it likes.
#include <random>

#include "tests/integration/control/daemon_fixture.hpp"
#include "tests/integration/control/described.hpp"
#include "tests/support/process.hpp"

namespace syncd::control::test {
namespace {

using syncd::test::Finished;
using syncd::test::run_program;

unsigned first_seed() {
  const char* given = std::getenv("SYNCD_SEED");
  return given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device{}();
}

class Chance {
 public:
  explicit Chance(unsigned seed) : random_(seed) {}
  std::size_t below(std::size_t n) { return random_() % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& of(const std::vector<T>& all) {
    return all[below(all.size())];
  }
  // Changes some bytes, or cuts, doubles or puts in some.
  void spoil(std::string& text) {
    for (std::size_t i = 1 + below(4); i > 0 && !text.empty(); --i) {
      const std::size_t at = below(text.size());
      switch (below(4)) {
        case 0:
          text[at] = static_cast<char>(below(256));
          break;
        case 1:
          text.erase(at, 1 + below(8));
          break;
        case 2:
          text.insert(at, text.substr(at, 1 + below(16)));
          break;
        default:
          text.insert(at, of(std::vector<std::string>{"\"", "{", "[", "}", "\\u0000", std::string(1, '\0'),
                                                      "1e999", "-0", "\xff", "null"}));
          break;
      }
    }
  }
  template <class Send>
  void in_pieces(std::string_view bytes, Send send) {
    while (!bytes.empty()) {
      const std::size_t size = std::min(bytes.size(), 1 + below(one_in(3) ? 3 : 4096));
      if (!send(bytes.substr(0, size))) return;
      bytes.remove_prefix(size);
    }
  }

 private:
  std::minstd_rand random_;
};

// --- the daemon among strangers ------------------------------------------------------------------------

TEST(Hostile, RandomFramesInOddPiecesLeaveTheDaemonServing) {
  const syncd::test::TempDir folder;
  Daemon daemon(folder / "control.sock");
  const unsigned first = first_seed();
  const std::vector<std::string> methods = {"Status",        "Watch",          "Next",      "History",
                                            "Check",         "ShowCheckpoint", "Run",       "Cancel",
                                            "Pause",         "Reload",         "Explain",   "Version",
                                            "SetCheckpoint", "LlmResolve",     "ListFiles", "NoSuchMethod"};
  for (unsigned seed = first; seed != first + 150; ++seed) {
    SCOPED_TRACE("SYNCD_SEED=" + std::to_string(seed));
    Chance chance(seed);
    RawClient stranger(folder / "control.sock");
    std::string stream;
    for (std::size_t i = 1 + chance.below(6); i > 0; --i) {
      Call call;
      call.method = "io.syncd.Manager." + chance.of(methods);
      call.parameters = {{"job", chance.one_in(2) ? Json("users") : Json(chance.below(9))},
                         {"limit", chance.below(3000)}};
      call.more = chance.one_in(3);
      call.oneway = chance.one_in(8);
      std::string frame = to_frame(call);
      if (!chance.one_in(3)) chance.spoil(frame);
      stream += frame;
    }
    chance.in_pieces(stream, [&](std::string_view piece) { return stranger.send(piece); });
    ::shutdown(stranger.fd(), SHUT_WR);
    RawClient honest(folder / "control.sock");
    ASSERT_TRUE(honest.call("Status"));
    EXPECT_EQ(honest.reply().error, "");
  }
}

// --- syncctl and a daemon that says what it likes --------------------------------------------------------

// Answers every call on `path` with what `answer` makes of its method, in odd pieces, and hangs up.
class FakeDaemon {
 public:
  FakeDaemon(const std::string& path, std::function<std::string(const std::string&)> answer, Chance& chance)
      : answer_(std::move(answer)), chance_(chance), fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    ::signal(SIGPIPE, SIG_IGN);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof(address.sun_path) - 1);
    if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
        ::listen(fd_, 8) != 0) {
      throw std::runtime_error("no socket at " + path);
    }
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeDaemon() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;

 private:
  void serve() {
    for (int client = -1; (client = ::accept(fd_, nullptr, nullptr)) >= 0; ::close(client)) {
      std::string call(4096, '\0');
      std::string seen;
      while (seen.find('\0') == std::string::npos) {
        const ssize_t count = ::recv(client, call.data(), call.size(), 0);
        if (count <= 0) break;
        seen.append(call, 0, static_cast<std::size_t>(count));
        for (std::size_t end = 0; (end = seen.find('\0')) != std::string::npos; seen.erase(0, end + 1)) {
          const Json asked = Json::parse(seen.substr(0, end));
          const std::string method = asked.at("method");
          const std::string reply = answer_(method.substr(method.rfind('.') + 1));
          chance_.in_pieces(reply, [&](std::string_view piece) {
            return ::send(client, piece.data(), piece.size(), MSG_NOSIGNAL) ==
                   static_cast<ssize_t>(piece.size());
          });
        }
      }
    }
  }

  std::function<std::string(const std::string&)> answer_;
  Chance& chance_;
  int fd_;
  std::thread thread_;
};

const std::vector<std::vector<std::string>>& verbs() {
  static const std::vector<std::vector<std::string>> all = {
      {"status"},
      {"status", "users"},
      {"status", "users", "--files"},
      {"run", "users"},
      {"run", "users", "--wait"},
      {"cancel", "users"},
      {"pause", "users"},
      {"resume", "users"},
      {"explain", "users"},
      {"dry-run", "users"},
      {"follow", "users"},
      {"logs"},
      {"logs", "users", "-f"},
      {"next"},
      {"history"},
      {"check"},
      {"check", "--online"},
      {"checkpoint", "show", "users"},
      {"checkpoint", "export", "users"},
      {"checkpoint", "set", "users", "x", "--yes"},
      {"checkpoint", "rewind", "users", "--to", "start", "--yes"},
      {"checkpoint", "undo", "users", "--yes"},
      {"dead-letters", "list", "users"},
      {"dead-letters", "clear", "users", "--yes"},
      {"llm", "usage"},
      {"llm", "ambiguous"},
      {"llm", "resolve", "--yes"},
      {"llm", "follow", "users"},
      {"reload"},
      {"reload", "--dry-run"},
      {"metrics"},
      {"version"},
      {"shutdown"},
  };
  return all;
}

// What must never reach a terminal or another program as it is.
const std::vector<std::string>& nasty() {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made = {"\033[2J\033[1;1H",
                                     "\033]0;title\007",
                                     "\033P+q544e\033\\",
                                     "\302\233"
                                     "31m",
                                     "\342\200\256",
                                     "\342\201\246",
                                     "\342\200\217",
                                     "\357\273\277",
                                     "line\nbreak\rover",
                                     "\xff\xfe",
                                     "\300\200",
                                     "plain"};
    for (char c = 1; c < 32; ++c) made.push_back(std::string("c0 ") + c);
    for (int c = 0x80; c < 0xA0; ++c) made.push_back(std::string("c1 \302") + static_cast<char>(c));
    made.push_back("\x7f");
    return made;
  }();
  return all;
}

// "" where no byte of it steers a terminal; else what does.
std::string steers(const std::string& text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const unsigned byte = at(i);
    const bool c0 = (byte < 0x20 && byte != '\n') || byte == 0x7F;
    const bool c1 = byte == 0xC2 && at(i + 1) < 0xA0;
    const bool bidi = byte == 0xE2 && ((at(i + 1) == 0x80 && (at(i + 2) == 0x8E || at(i + 2) == 0x8F ||
                                                              (at(i + 2) >= 0xAA && at(i + 2) <= 0xAE))) ||
                                       (at(i + 1) == 0x81 && at(i + 2) >= 0xA6 && at(i + 2) <= 0xA9));
    if (c0 || c1 || bidi)
      return "byte " + std::to_string(i) +
             " in: " + Json(text).dump(-1, ' ', true, Json::error_handler_t::replace);
  }
  return "";
}

class HostileDaemon : public ::testing::Test {
 protected:
  HostileDaemon() {
    described_.text = [this] { return chance_.of(nasty()) + (chance_.one_in(4) ? chance_.of(nasty()) : ""); };
    described_.number = [this] {
      static const std::vector<std::int64_t> all = {0,         1,         2,   -1, 1'790'000'000'000'000,
                                                    INT64_MAX, INT64_MIN, 4096};
      return chance_.of(all);
    };
  }
  std::string frame(const Json& message) {
    return message.dump(-1, ' ', false, Json::error_handler_t::replace) + '\0';
  }
  std::string valid(const std::string& method) {
    std::string stream;
    if (method == "Run" && chance_.one_in(2)) {
      stream += frame({{"parameters", described_.reply(method)}, {"continues", true}});
    }
    if (!chance_.one_in(6)) return stream + frame({{"parameters", described_.reply(method)}});
    auto error = described_.errors().begin();
    std::advance(error, chance_.below(described_.errors().size()));
    return stream + frame({{"error", "io.syncd.Manager." + error->first},
                           {"parameters", described_.error(error->first)}});
  }
  Finished ctl(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {SYNCCTL_BINARY, "--socket", folder_ / "control.sock"});
    return run_program(std::move(arguments));
  }
  // It has ended by itself, as it says it does.
  static void expect_sound(const Finished& finished) {
    static const std::vector<int> known = {0, 1, 64, 66, 69, 75, 77, 78};
    EXPECT_NE(std::find(known.begin(), known.end(), finished.code), known.end())
        << finished.code << finished.err;
    EXPECT_EQ(steers(finished.out), "");
    EXPECT_EQ(steers(finished.err), "");
  }

  const unsigned seed_ = first_seed();
  Chance chance_{seed_};
  Described described_;
  syncd::test::TempDir folder_;
};

TEST_F(HostileDaemon, NothingThatItSaysSteersTheTerminal) {
  FakeDaemon daemon(
      folder_ / "control.sock", [this](const std::string& method) { return valid(method); }, chance_);
  for (const auto& verb : verbs()) {
    for (int round = 0; round < 3; ++round) {
      std::string line = "SYNCD_SEED=" + std::to_string(seed_) + ":";
      for (const std::string& word : verb) line += " " + word;
      SCOPED_TRACE(line);
      expect_sound(ctl(verb));
      auto as_json = verb;
      as_json.emplace_back("--json");
      const Finished finished = ctl(std::move(as_json));
      expect_sound(finished);
      for (std::size_t begin = 0; begin < finished.out.size();) {
        const std::size_t end = std::min(finished.out.find('\n', begin), finished.out.size());
        EXPECT_TRUE(Json::accept(finished.out.substr(begin, end - begin)))
            << finished.out.substr(begin, end - begin);
        begin = end + 1;
      }
    }
  }
}

TEST_F(HostileDaemon, WhateverItSendsSyncctlEndsWithAClearError) {
  const auto spoiled = [this](const std::string& method) {
    std::string stream = chance_.one_in(8) ? std::string(1 + chance_.below(100), '\0') : valid(method);
    chance_.spoil(stream);
    return stream + '\0';
  };
  FakeDaemon daemon(folder_ / "control.sock", spoiled, chance_);
  for (int round = 0; round < 100; ++round) {
    const auto& verb = chance_.of(verbs());
    SCOPED_TRACE("SYNCD_SEED=" + std::to_string(seed_) + ": " + verb.front());
    expect_sound(ctl(verb));
  }
}

}  // namespace
}  // namespace syncd::control::test
