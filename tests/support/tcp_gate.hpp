// TcpGate: a proxy between a client and a server that does what networks do.  All verbs may be used at any
// time, from the test's thread, and hold for the connections that are open and for those that come.
//
//   verb              imitates
//   cut()             a connection lost in the middle of a message
//   hold(), pass()    a partition: bytes arrive late, perhaps after the sender has given up
//   strand()          the same for the connections that are open, while new ones work: a path that died
//   drop()            a firewall that forgot the connection: no answer, no error
//   delay()           distance
//   refuse()          a server that is not there
//   close_all()       a load balancer's restart
#pragma once
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "tests/support/port.hpp"

namespace syncd::test {

class TcpGate {
 public:
  enum Direction { ToServer = 0, ToClient = 1 };
  enum class Ending { Close, Reset };

  // To a loopback port, or to a Unix socket.
  explicit TcpGate(std::uint16_t port);
  explicit TcpGate(std::string socket_path);
  ~TcpGate();
  TcpGate(const TcpGate&) = delete;
  TcpGate& operator=(const TcpGate&) = delete;

  std::uint16_t port() const noexcept { return port_.number(); }

  // Everything flows again, held bytes first.  Undoes hold(), strand(), drop(), delay(), refuse() and cut().
  void pass();
  // Forwards exactly `bytes` more, counted over all connections, then ends the one they went over; once.
  void cut(Direction direction, std::uint64_t bytes, Ending ending = Ending::Close);
  // Takes the sender's bytes but keeps them until pass(); they arrive even when the sender is gone by then.
  void hold(Direction direction);
  void hold() { hold(ToServer), hold(ToClient); }
  // The same, for the connections that are open now.
  void strand(Direction direction);
  // Takes the sender's bytes and forgets them.
  void drop(Direction direction);
  void drop() { drop(ToServer), drop(ToClient); }
  // Each byte arrives that much later.
  void delay(std::chrono::milliseconds wait);
  // New connections are refused; the open ones stay.
  void refuse();
  void close_all(Ending ending = Ending::Close);

  // Forwarded so far.
  std::uint64_t bytes(Direction direction) const;
  // Held back just now.
  std::uint64_t held(Direction direction) const;
  // Accepted so far, open now, and how often cut() has cut.
  std::size_t accepted() const;
  std::size_t open() const;
  std::size_t cuts() const;

 private:
  struct Link;
  enum class Mode { Pass, Hold, Drop };
  struct Cut {
    Direction direction;
    std::uint64_t left;
    Ending ending;
  };

  void start();
  void listen();
  void work();
  void accept();
  void receive(Link& link, Direction direction);
  void forward(Link& link, Direction direction);
  void end(Link& link, Ending ending);
  void wake();

  ReservedPort port_;
  const std::uint16_t server_port_ = 0;
  const std::string server_path_;
  int wake_fd_ = -1;

  mutable std::mutex mutex_;  // guards all below
  int listener_ = -1;
  std::list<Link> links_;
  Mode modes_[2] = {Mode::Pass, Mode::Pass};
  std::chrono::milliseconds delay_{0};
  std::optional<Cut> cut_;
  std::uint64_t bytes_[2] = {0, 0};
  std::size_t accepted_ = 0;
  std::size_t cuts_ = 0;
  bool closing_ = false;

  std::thread thread_;
};

}  // namespace syncd::test
