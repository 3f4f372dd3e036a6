// Both ends of a relay of tokens: the model that writes them, as Anthropic's Messages API streams them, and
// those who watch.  One thread, so that a token's two times come from one place.
//
//   bench_tokens STREAMS TOKENS RATE [together]   of each stream; RATE tokens a second, 0: as fast as they
//   are taken
//
// Prints the model's port; reads the relay's port (the model's own: no relay); has a watcher at
// /jobs/sN/events for every stream (together: one at /jobs/s0/events for all of them), prints "watching" when
// all have an answer; begins when every stream was asked for.  Prints "SECONDS P50 P99 MAX": from the first
// token to the last arrival, and microseconds from sent to arrived.
#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::nanoseconds;

// What a relay may hold back; more would measure how large its buffers are.
constexpr int kMostOnTheWay = 16'384;
constexpr std::size_t kPiece = 16 * 1024;

[[noreturn]] void fail(std::string_view why) {
  fmt::print(stderr, "bench_tokens: {}\n", why);
  std::exit(1);
}

sockaddr_in loopback(int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A stream, from both ends.
struct Stream {
  int number = 0;
  std::string out;  // that the socket did not take yet
  int sent = 0;
  int arrived = 0;
  Clock::time_point due;
  std::vector<Clock::time_point> times;  // when each token was sent
};

struct Peer {
  enum class Kind { Asker, Watcher };
  Kind kind;
  int fd;
  Stream* stream = nullptr;  // of an asker: once its request is whole
  bool plain = false;        // asks without a relay
  bool answered = false;
  bool done = false;
  std::string in;
};

class Bench {
 public:
  Bench(int streams, int tokens, int rate, bool together)
      : tokens_(tokens),
        rate_(rate),
        streams_(static_cast<std::size_t>(streams)),
        watchers_(together ? 1 : streams_.size()) {
    for (int i = 0; i < streams; ++i) {
      streams_[static_cast<std::size_t>(i)].number = i;
      streams_[static_cast<std::size_t>(i)].times.resize(static_cast<std::size_t>(tokens));
    }
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const sockaddr_in any = loopback(0);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0 ||
        ::listen(listener_, 512) != 0) {
      fail("cannot listen");
    }
    timer_ = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    watch(listener_, EPOLLIN);
    watch(timer_, EPOLLIN);
  }

  int port() const {
    sockaddr_in address{};
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
  }

  void connect_watchers(int port) {
    for (std::size_t number = 0; number < watchers_; ++number) {
      const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      const sockaddr_in address = loopback(port);
      if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
        fail("cannot connect to the relay");
      const std::string request =
          fmt::format("GET /jobs/s{}/events HTTP/1.1\r\nHost: localhost\r\n\r\n", number);
      if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size()))
        fail("cannot ask the relay");
      add(fd, Peer::Kind::Watcher);
    }
  }

  void run() {
    while (done_ < watchers_) {
      std::array<epoll_event, 64> events;
      const int count = ::epoll_wait(epoll_, events.data(), int(events.size()), 30'000);
      if (count <= 0) fail("nothing comes any more");
      for (int i = 0; i < count; ++i) act(events[static_cast<std::size_t>(i)]);
      if (begun_) send_due();
    }
  }

  void report() const {
    std::vector<std::int64_t> sorted = latencies_;
    std::sort(sorted.begin(), sorted.end());
    const auto at = [&](double part) {
      return sorted[static_cast<std::size_t>(part * double(sorted.size() - 1))];
    };
    fmt::print("{:.6f} {} {} {}\n", std::chrono::duration<double>(last_ - first_).count(), at(0.5), at(0.99),
               at(1));
  }

 private:
  void watch(int fd, std::uint32_t what) {
    epoll_event event{};
    event.events = what;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("cannot watch a socket");
  }

  Peer& add(int fd, Peer::Kind kind) {
    const int yes = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::fcntl(fd, F_SETFL, O_NONBLOCK);
    watch(fd, EPOLLIN | EPOLLOUT | EPOLLET);
    auto& peer = peers_[fd];
    peer = std::make_unique<Peer>(Peer{kind, fd, nullptr, false, false, false, ""});
    return *peer;
  }

  void act(const epoll_event& event) {
    const int fd = event.data.fd;
    if (fd == timer_) {
      std::uint64_t times = 0;
      static_cast<void>(!::read(timer_, &times, sizeof times));
    } else if (fd == listener_) {
      const int accepted = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted >= 0) add(accepted, Peer::Kind::Asker);
    } else if (const auto found = peers_.find(fd); found != peers_.end()) {
      read(*found->second);
    }
  }

  void read(Peer& peer) {
    std::array<char, 64 * 1024> chunk;
    ssize_t got = 0;
    while ((got = ::read(peer.fd, chunk.data(), chunk.size())) > 0) {
      if (peer.kind == Peer::Kind::Watcher || peer.stream == nullptr)
        peer.in.append(chunk.data(), static_cast<std::size_t>(got));
    }
    if (peer.kind == Peer::Kind::Watcher) {
      take_pieces(peer);
    } else if (peer.stream == nullptr) {
      take_request(peer);
    }
    if (got == 0) {
      if (peer.kind == Peer::Kind::Watcher && !peer.done) fail("a watcher's stream ended early");
      ::close(peer.fd);
      std::erase(askers_, &peer);
      peers_.erase(peer.fd);
    }
  }

  void take_request(Peer& peer) {
    const std::size_t head = peer.in.find("\r\n\r\n");
    if (head == std::string::npos) return;
    std::size_t body = 0;
    std::string lower = peer.in.substr(0, head);
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](unsigned char c) { return std::tolower(c); });
    if (const auto length = lower.find("content-length: "); length != lower.npos) {
      std::from_chars(lower.data() + length + 16, lower.data() + lower.size(), body);
    }
    if (peer.in.size() < head + 4 + body) return;
    peer.plain = peer.in.starts_with("GET");
    // The name of the stream stands in the question.
    const std::size_t name = peer.in.find(peer.plain ? "/jobs/s" : "stream s", peer.plain ? 0 : head);
    std::size_t number = streams_.size();
    if (name != std::string::npos) {
      std::from_chars(peer.in.data() + name + (peer.plain ? 7 : 8), peer.in.data() + peer.in.size(), number);
    }
    if (number >= streams_.size()) fail("a request names no stream: " + peer.in);
    peer.stream = &streams_[number];
    peer.in.clear();
    askers_.push_back(&peer);
    write(peer, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (askers_.size() == streams_.size()) begin();
  }

  void begin() {
    begun_ = true;
    first_ = Clock::now();
    for (Peer* asker : askers_) {
      Stream& stream = *asker->stream;
      stream.due =
          first_ + (rate_ == 0 ? nanoseconds(0)
                               : nanoseconds(1'000'000'000LL * stream.number / rate_ / int(streams_.size())));
      if (!asker->plain) {
        write_chunk(
            *asker,
            "event: message_start\ndata: "
            "{\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"type\":\"message\","
            "\"role\":\"assistant\",\"content\":[],\"model\":\"bench-1\",\"stop_reason\":null,\"stop_"
            "sequence\":null,"
            "\"usage\":{\"input_tokens\":11,\"output_tokens\":1}}}\n\nevent: content_block_start\ndata: "
            "{\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":"
            "\"\"}}\n\n");
      }
    }
  }

  void send_due() {
    const auto now = Clock::now();
    auto next = Clock::time_point::max();
    for (Peer* asker : askers_) {
      if (rate_ == 0) {
        send_many(*asker);
      } else {
        send_paced(*asker, now);
        if (asker->stream->sent < tokens_) next = std::min(next, asker->stream->due);
      }
    }
    if (next != Clock::time_point::max()) {
      const auto wait = std::max(nanoseconds(next - Clock::now()), nanoseconds(1));
      itimerspec at{};
      at.it_value.tv_sec = wait.count() / 1'000'000'000;
      at.it_value.tv_nsec = wait.count() % 1'000'000'000;
      ::timerfd_settime(timer_, 0, &at, nullptr);
    }
  }

  void send_paced(Peer& asker, Clock::time_point now) {
    Stream& stream = *asker.stream;
    std::string text;
    while (stream.sent < tokens_ && stream.due <= now) {
      append_token(text, asker);
      stream.due += nanoseconds(1'000'000'000LL / rate_);
    }
    send_tokens(asker, std::move(text));
  }

  void send_many(Peer& asker) {
    Stream& stream = *asker.stream;
    while (stream.sent < tokens_ && stream.sent - stream.arrived < kMostOnTheWay && stream.out.empty()) {
      std::string text;
      while (stream.sent < tokens_ && text.size() < kPiece) append_token(text, asker);
      send_tokens(asker, std::move(text));
    }
    if (!stream.out.empty()) write(asker, "");
  }

  void append_token(std::string& text, const Peer& asker) {
    Stream& stream = *asker.stream;
    const char* form =
        asker.plain ? "data: {{\"content\":\" s{}w{}\"}}\n\n"
                    : "event: content_block_delta\ndata: {{\"type\":\"content_block_delta\",\"index\":0,"
                      "\"delta\":{{\"type\":\"text_delta\",\"text\":\" s{}w{}\"}}}}\n\n";
    fmt::format_to(std::back_inserter(text), fmt::runtime(form), stream.number, stream.sent);
    stream.times[static_cast<std::size_t>(stream.sent++)] = Clock::now();
  }

  void send_tokens(Peer& asker, std::string text) {
    if (text.empty()) return;
    if (asker.stream->sent == tokens_) {
      text +=
          asker.plain
              ? "data: [DONE]\n\n"
              : fmt::format(
                    "event: content_block_stop\ndata: {{\"type\":\"content_block_stop\",\"index\":0}}\n\n"
                    "event: message_delta\ndata: {{\"type\":\"message_delta\",\"delta\":{{\"stop_reason\":"
                    "\"end_turn\",\"stop_sequence\":null}},\"usage\":{{\"output_tokens\":{}}}}}\n\n"
                    "event: message_stop\ndata: {{\"type\":\"message_stop\"}}\n\n",
                    tokens_);
    }
    write_chunk(asker, text);
    if (asker.stream->sent == tokens_) write(asker, "0\r\n\r\n");
  }

  void write_chunk(Peer& peer, const std::string& text) {
    write(peer, fmt::format("{:x}\r\n{}\r\n", text.size(), text));
  }

  void write(Peer& peer, std::string_view text) {
    std::string& out = peer.stream->out;
    out += text;
    const ssize_t taken = ::write(peer.fd, out.data(), out.size());
    if (taken > 0) out.erase(0, static_cast<std::size_t>(taken));
  }

  void take_pieces(Peer& peer) {
    if (!peer.answered && peer.in.find("\r\n\r\n") != std::string::npos) {
      if (!peer.in.starts_with("HTTP/1.1 200")) fail("the relay answers " + peer.in);
      peer.answered = true;
      if (++answered_ == watchers_) {
        fmt::print("watching\n");
        std::fflush(stdout);
      }
    }
    const auto now = Clock::now();
    std::size_t begin = 0;
    std::size_t end = 0;
    while ((end = peer.in.find("\n\n", begin)) != std::string::npos) {
      take_event(peer, std::string_view(peer.in).substr(begin, end - begin), now);
      begin = end + 2;
    }
    peer.in.erase(0, begin);
  }

  void take_event(Peer& peer, std::string_view event, Clock::time_point now) {
    constexpr std::string_view kBefore = "\"content\":\" s";
    const std::size_t at = event.find(kBefore);
    if (at != event.npos) {
      const char* end = event.data() + event.size();
      std::size_t number = streams_.size();
      int token = -1;
      const char* next = std::from_chars(event.data() + at + kBefore.size(), end, number).ptr;
      std::from_chars(std::min(next + 1, end), end, token);
      if (number >= streams_.size()) fail(event);
      Stream& stream = streams_[number];
      if (token != stream.arrived) fail(fmt::format("token {} where {} was due", token, stream.arrived));
      latencies_.push_back(nanoseconds(now - stream.times[static_cast<std::size_t>(token)]).count() / 1000);
      ++stream.arrived;
      last_ = now;
    } else if (event.find("data: [DONE]") != event.npos) {
      peer.done = true;
      if (++done_ == watchers_ && latencies_.size() != streams_.size() * static_cast<std::size_t>(tokens_)) {
        fail(fmt::format("the end after {} tokens", latencies_.size()));
      }
    } else if (event.find("event: error") != event.npos || event.find("\"lost\"") != event.npos) {
      fail(event);
    }
  }

  const int tokens_;
  const int rate_;
  std::vector<Stream> streams_;
  const std::size_t watchers_;
  int epoll_ = -1;
  int listener_ = -1;
  int timer_ = -1;
  std::unordered_map<int, std::unique_ptr<Peer>> peers_;
  std::vector<Peer*> askers_;
  bool begun_ = false;
  std::size_t answered_ = 0;
  std::size_t done_ = 0;
  Clock::time_point first_;
  Clock::time_point last_;
  std::vector<std::int64_t> latencies_;
};

}  // namespace

int main(int argc, char** argv) {
  const bool together = argc == 5 && std::string_view(argv[4]) == "together";
  if (argc != 4 && !together) {
    fmt::print(stderr, "usage: bench_tokens STREAMS TOKENS RATE [together]\n");
    return 64;
  }
  Bench bench(std::atoi(argv[1]), std::atoi(argv[2]), std::atoi(argv[3]), together);
  fmt::print("{}\n", bench.port());
  std::fflush(stdout);
  int relay = 0;
  if (std::scanf("%d", &relay) != 1) fail("no port of a relay on standard input");
  bench.connect_watchers(relay);
  bench.run();
  bench.report();
  return 0;
}
