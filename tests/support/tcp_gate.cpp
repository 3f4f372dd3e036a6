#include "tests/support/tcp_gate.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <deque>
#include <utility>
#include <vector>

namespace syncd::test {
namespace {

using Clock = std::chrono::steady_clock;

struct Chunk {
  Clock::time_point due;
  std::string bytes;
};

int connect_to(std::uint16_t port, const std::string& path) {
  int fd = -1;
  int status = -1;
  if (path.empty()) {
    fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = ReservedPort::loopback(port);
    status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  } else {
    fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    status = ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
  }
  if (status == 0) return fd;
  ::close(fd);
  return -1;
}

void prepare(int fd) {
  ::fcntl(fd, F_SETFL, O_NONBLOCK);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace

// One client with its connection to the server.
struct TcpGate::Link {
  // The way of the bytes in one direction.
  struct Way {
    int from = -1;
    int to = -1;
    std::deque<Chunk> chunks;
    std::size_t waiting = 0;  // bytes in them
    bool full() const { return waiting >= (8 << 20); }
    bool ended = false;      // the sender will send no more
    bool passed_on = false;  // and the receiver knows
    bool stranded = false;
  };
  Link(int client, int server) {
    ways[ToServer].from = ways[ToClient].to = client;
    ways[ToClient].from = ways[ToServer].to = server;
  }
  Way ways[2];
  bool dead = false;
};

TcpGate::TcpGate(std::uint16_t port) : server_port_(port) { start(); }
TcpGate::TcpGate(std::string socket_path) : server_path_(std::move(socket_path)) { start(); }

void TcpGate::start() {
  wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  listen();
  thread_ = std::thread([this] { work(); });
}

TcpGate::~TcpGate() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake();
  thread_.join();
  for (Link& link : links_) end(link, Ending::Close);
  if (listener_ >= 0) ::close(listener_);
  ::close(wake_fd_);
}

void TcpGate::listen() {
  if (listener_ >= 0) return;
  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int on = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = ReservedPort::loopback(port());
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_, 64) != 0) {
    throw std::runtime_error("the gate cannot listen");
  }
}

void TcpGate::wake() {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_fd_, &one, sizeof one);
}

// --- verbs -------------------------------------------------------------------------------------------

void TcpGate::pass() {
  {
    const std::lock_guard lock(mutex_);
    modes_[ToServer] = modes_[ToClient] = Mode::Pass;
    for (Link& link : links_) link.ways[ToServer].stranded = link.ways[ToClient].stranded = false;
    delay_ = std::chrono::milliseconds(0);
    cut_.reset();
    listen();
  }
  wake();
}

void TcpGate::cut(Direction direction, std::uint64_t bytes, Ending ending) {
  {
    const std::lock_guard lock(mutex_);
    cut_ = Cut{direction, bytes, ending};
  }
  wake();
}

void TcpGate::hold(Direction direction) {
  const std::lock_guard lock(mutex_);
  modes_[direction] = Mode::Hold;
}

void TcpGate::strand(Direction direction) {
  const std::lock_guard lock(mutex_);
  for (Link& link : links_) link.ways[direction].stranded = true;
}

void TcpGate::drop(Direction direction) {
  const std::lock_guard lock(mutex_);
  modes_[direction] = Mode::Drop;
}

void TcpGate::delay(std::chrono::milliseconds wait) {
  const std::lock_guard lock(mutex_);
  delay_ = wait;
}

void TcpGate::refuse() {
  const std::lock_guard lock(mutex_);
  if (listener_ < 0) return;
  ::shutdown(listener_, SHUT_RDWR);  // at once, although the thread polls it
  ::close(std::exchange(listener_, -1));
}

void TcpGate::close_all(Ending ending) {
  {
    const std::lock_guard lock(mutex_);
    for (Link& link : links_) end(link, ending);
    links_.clear();
  }
  wake();
}

std::uint64_t TcpGate::held(Direction direction) const {
  const std::lock_guard lock(mutex_);
  std::uint64_t bytes = 0;
  for (const Link& link : links_) bytes += link.ways[direction].waiting;
  return bytes;
}

std::uint64_t TcpGate::bytes(Direction direction) const {
  const std::lock_guard lock(mutex_);
  return bytes_[direction];
}
std::size_t TcpGate::accepted() const {
  const std::lock_guard lock(mutex_);
  return accepted_;
}
std::size_t TcpGate::open() const {
  const std::lock_guard lock(mutex_);
  return links_.size();
}
std::size_t TcpGate::cuts() const {
  const std::lock_guard lock(mutex_);
  return cuts_;
}

// --- the thread --------------------------------------------------------------------------------------

void TcpGate::work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    std::vector<pollfd> watched{{wake_fd_, POLLIN, 0}, {listener_, POLLIN, 0}};
    auto next = Clock::time_point::max();
    for (const Link& link : links_) {
      for (const Link::Way& way : link.ways) {
        if (!way.ended && !way.full()) watched.push_back({way.from, POLLIN, 0});
        if (way.chunks.empty()) continue;
        next = std::min(next, way.chunks.front().due);
        const auto direction = static_cast<Direction>(&way - link.ways);
        if (modes_[direction] == Mode::Pass && !way.stranded && way.chunks.front().due <= Clock::now()) {
          watched.push_back({way.to, POLLOUT, 0});
        }
      }
    }
    int wait = -1;
    const auto now = Clock::now();
    if (next > now && next != Clock::time_point::max()) {
      wait = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(next - now).count());
    }
    lock.unlock();
    ::poll(watched.data(), watched.size(), wait);
    lock.lock();
    std::uint64_t woken = 0;
    [[maybe_unused]] const ssize_t drained = ::read(wake_fd_, &woken, sizeof woken);
    accept();
    for (Link& link : links_) {
      for (const Direction direction : {ToServer, ToClient}) {
        if (!link.dead) receive(link, direction);
        if (!link.dead) forward(link, direction);
      }
      if (link.ways[ToServer].passed_on && link.ways[ToClient].passed_on) end(link, Ending::Close);
    }
    links_.remove_if([](const Link& link) { return link.dead; });
  }
}

void TcpGate::accept() {
  if (listener_ < 0) return;
  while (true) {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) return;
    ++accepted_;
    const int server = connect_to(server_port_, server_path_);
    if (server < 0) {
      ::close(client);
      continue;
    }
    prepare(client);
    prepare(server);
    links_.emplace_back(client, server);
  }
}

void TcpGate::receive(Link& link, Direction direction) {
  Link::Way& way = link.ways[direction];
  std::array<char, 64 * 1024> buffer;
  while (!way.ended && !way.full()) {
    const ssize_t count = ::recv(way.from, buffer.data(), buffer.size(), 0);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (count <= 0) {
      way.ended = true;
      // A sender that is gone altogether reads no answers.
      if (count < 0) {
        link.ways[1 - direction].chunks.clear();
        link.ways[1 - direction].waiting = 0;
      }
      return;
    }
    if (modes_[direction] == Mode::Drop) continue;
    way.waiting += static_cast<std::size_t>(count);
    way.chunks.push_back(
        Chunk{Clock::now() + delay_, std::string(buffer.data(), static_cast<std::size_t>(count))});
  }
}

void TcpGate::forward(Link& link, Direction direction) {
  Link::Way& way = link.ways[direction];
  if (modes_[direction] != Mode::Pass || way.stranded) return;
  const bool cutting = cut_ && cut_->direction == direction;
  while (!way.chunks.empty() && way.chunks.front().due <= Clock::now()) {
    std::string& bytes = way.chunks.front().bytes;
    std::size_t size = bytes.size();
    if (cutting) size = static_cast<std::size_t>(std::min<std::uint64_t>(size, cut_->left));
    ssize_t sent = 0;
    if (size > 0) sent = ::send(way.to, bytes.data(), size, MSG_NOSIGNAL);
    if (sent < 0) {
      if (errno == EAGAIN || errno == EINTR) return;
      return end(link, Ending::Close);
    }
    const auto count = static_cast<std::size_t>(sent);
    bytes_[direction] += count;
    if (cutting) {
      cut_->left -= count;
      if (cut_->left == 0) {
        ++cuts_;
        const Ending ending = cut_->ending;
        cut_.reset();
        return end(link, ending);
      }
    }
    bytes.erase(0, count);
    way.waiting -= count;
    if (bytes.empty()) way.chunks.pop_front();
  }
  if (way.ended && way.chunks.empty() && !way.passed_on) {
    ::shutdown(way.to, SHUT_WR);
    way.passed_on = true;
  }
}

void TcpGate::end(Link& link, Ending ending) {
  if (link.dead) return;
  link.dead = true;
  for (const Link::Way& way : link.ways) {
    if (ending == Ending::Reset) {
      const linger at_once{1, 0};
      ::setsockopt(way.from, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    } else {
      ::shutdown(way.from, SHUT_RDWR);
    }
    ::close(way.from);
  }
}

}  // namespace syncd::test
