#include "tests/support/http_server.hpp"

#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>

#include "tests/support/port.hpp"

namespace syncd::test {
namespace {

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

int listen_on_loopback(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = ReservedPort::loopback(0);
  socklen_t size = sizeof address;
  auto* const plain = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd, plain, size) != 0 || ::listen(fd, 64) != 0 || ::getsockname(fd, plain, &size) != 0) {
    throw std::runtime_error("HttpServer: no free port");
  }
  port = ntohs(address.sin_port);
  return fd;
}

}  // namespace

std::string Exchange::header(std::string_view name) const {
  const std::string all = lower(head);
  const std::string wanted = "\r\n" + lower(std::string(name)) + ":";
  const auto found = all.find(wanted);
  if (found == std::string::npos) return "";
  auto begin = found + wanted.size();
  while (begin < head.size() && head[begin] == ' ') ++begin;
  return head.substr(begin, head.find("\r\n", begin) - begin);
}

bool Exchange::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

void Exchange::reply(int status, std::string_view content_type, std::string_view text,
                     std::string_view more_headers) {
  std::string out = "HTTP/1.1 " + std::to_string(status) +
                    " Said\r\nContent-Type: " + std::string(content_type) +
                    "\r\nContent-Length: " + std::to_string(text.size()) + "\r\n" +
                    std::string(more_headers) + "\r\n" + std::string(text);
  send(out);
}

bool Exchange::start(std::string_view content_type, int status, std::string_view more_headers) {
  return send("HTTP/1.1 " + std::to_string(status) + " Said\r\nContent-Type: " + std::string(content_type) +
              "\r\nConnection: close\r\n" + std::string(more_headers) + "\r\n");
}

bool Exchange::be_silent(std::chrono::milliseconds time) {
  pollfd waiting{fd_, POLLRDHUP, 0};
  return ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
}

void Exchange::wait_for_peer() {
  while (be_silent(std::chrono::seconds(60))) {
  }
}

void Exchange::reset() {
  const linger now{1, 0};
  ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool Exchange::read_request() {
  std::string text;
  std::size_t end = std::string::npos;
  std::size_t length = 0;
  while (end == std::string::npos || text.size() < end + 4 + length) {
    char buffer[16384];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    if (count <= 0) return false;
    text.append(buffer, static_cast<std::size_t>(count));
    if (end != std::string::npos) continue;
    end = text.find("\r\n\r\n");
    if (end == std::string::npos) continue;
    head = text.substr(0, end + 2);
    const std::string told = header("content-length");
    if (!told.empty()) length = std::stoul(told);
  }
  body = text.substr(end + 4);
  const auto first = head.find(' ');
  method = head.substr(0, first);
  target = head.substr(first + 1, head.find(' ', first + 1) - first - 1);
  return true;
}

HttpServer::HttpServer(Handler handler)
    : listener_(listen_on_loopback(port_)),
      handler_(std::move(handler)),
      acceptor_([this] { accept_all(); }) {}

HttpServer::~HttpServer() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
  }
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();
  for (std::thread& connection : connections_) connection.join();
  ::close(listener_);
}

std::size_t HttpServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void HttpServer::handle_with(Handler handler) {
  const std::lock_guard lock(mutex_);
  handler_ = std::move(handler);
}

void HttpServer::accept_all() {
  while (true) {
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) return;
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    const std::lock_guard lock(mutex_);
    if (ending_) {
      ::close(fd);
      return;
    }
    open_.push_back(fd);
    connections_.emplace_back([this, fd] { serve(fd); });
  }
}

void HttpServer::serve(int fd) {
  Exchange exchange(fd);
  if (exchange.read_request()) {
    Handler handler;
    {
      const std::lock_guard lock(mutex_);
      ++requests_;
      handler = handler_;
    }
    handler(exchange);
  }
  const std::lock_guard lock(mutex_);
  open_.remove(fd);
  ::close(fd);
}

}  // namespace syncd::test
