// HttpServer: a small HTTP/1.1 server on a loopback port that does what a test tells it, also to misbehave:
// it sends any bytes, stops in the middle, resets, or is silent.  A thread for each connection.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace syncd::test {

// One request and the way back to whoever sent it.
class Exchange {
 public:
  std::string method;
  std::string target;
  std::string head;  // all lines, as they came
  std::string body;

  // The value of a header field, whatever its case; "" where there is none.
  std::string header(std::string_view name) const;

  // False: the peer is gone.
  bool send(std::string_view bytes);
  // A whole reply with its length.
  void reply(int status, std::string_view content_type, std::string_view text,
             std::string_view more_headers = "");
  // The head of a reply whose body has no length: it ends with the connection.
  bool start(std::string_view content_type, int status = 200, std::string_view more_headers = "");
  // Says nothing for so long; false: the peer is gone, or the server ends.
  bool be_silent(std::chrono::milliseconds time);
  // Until the peer is gone, or the server ends.
  void wait_for_peer();
  // Cuts the connection as a crash would.
  void reset();

 private:
  friend class HttpServer;
  explicit Exchange(int fd) : fd_(fd) {}
  bool read_request();
  int fd_;
};

class HttpServer {
 public:
  using Handler = std::function<void(Exchange&)>;

  explicit HttpServer(Handler handler);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::uint16_t port() const noexcept { return port_; }
  // Requests that were read whole.
  std::size_t requests() const;
  void handle_with(Handler handler);

 private:
  void accept_all();
  void serve(int fd);

  int listener_;
  std::uint16_t port_;
  mutable std::mutex mutex_;
  Handler handler_;
  std::size_t requests_ = 0;
  bool ending_ = false;
  std::list<int> open_;
  std::list<std::thread> connections_;
  std::thread acceptor_;
};

}  // namespace syncd::test
