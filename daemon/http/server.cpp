#include "daemon/http/server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include "daemon/base/error.hpp"
#include "daemon/base/log.hpp"
#include "daemon/coro/timeout.hpp"

namespace syncd::http {
namespace {

std::string_view reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    default:
      return "Internal Server Error";
  }
}

// A request that is not one; the status and the text of the answer.
struct Refused {
  int status;
  std::string why;
};

bool same_word(std::string_view a, std::string_view b) {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// The head of a request, RFC 9112 parts 2 and 5; nothing of a body is read.
PageRequest parse_head(std::string_view head) {
  const auto line = [&head] {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view text = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (text.ends_with('\r')) text.remove_suffix(1);
    return text;
  };
  const std::string_view first = line();
  const std::size_t method_end = first.find(' ');
  const std::size_t target_end = first.rfind(' ');
  if (method_end == first.npos || target_end == method_end ||
      !first.substr(target_end + 1).starts_with("HTTP/1.")) {
    throw Refused{400, "this is no request of HTTP/1.1\n"};
  }
  PageRequest request;
  request.method = first.substr(0, method_end);
  const std::string_view target = first.substr(method_end + 1, target_end - method_end - 1);
  const std::size_t question = std::min(target.find('?'), target.size());
  request.path = target.substr(0, question);
  request.query = target.substr(std::min(question + 1, target.size()));
  if (request.method != "GET" && request.method != "HEAD") throw Refused{405, "only GET is answered here\n"};
  while (!head.empty()) {
    const std::string_view field = line();
    const std::size_t colon = field.find(':');
    if (colon == field.npos) continue;
    std::string_view value = field.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    if (same_word(field.substr(0, colon), "authorization")) request.authorization = value;
    if (same_word(field.substr(0, colon), "origin")) request.origin = value;
  }
  return request;
}

// The value of NAME=VALUE in a query, its %XX undone; "" where there is none.
std::string parameter(std::string_view query, std::string_view name) {
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(pair.size() + 1, query.size()));
    if (pair.substr(0, pair.find('=')) != name || pair.size() == name.size()) continue;
    std::string value;
    for (std::size_t i = name.size() + 1; i < pair.size(); ++i) {
      unsigned byte = 0;
      const char* const digits = pair.data() + i + 1;
      if (pair[i] == '%' && i + 2 < pair.size() &&
          std::from_chars(digits, digits + 2, byte, 16).ptr == digits + 2) {
        value += static_cast<char>(byte);
        i += 2;
      } else {
        value += pair[i];
      }
    }
    return value;
  }
  return "";
}

bool whole(std::string_view head) {
  return head.find("\r\n\r\n") != head.npos || head.find("\n\n") != head.npos;
}

coro::Task<std::string> read_head(loop::Stream& stream, std::string head, std::size_t limit) {
  while (!whole(head)) {
    if (head.size() > limit) throw Refused{431, "the request's head is too long\n"};
    const std::string_view bytes = co_await stream.read();
    if (bytes.empty()) throw Error(ErrorKind::Transient, "the client has gone");
    head += bytes;
  }
  co_return head;
}

sockaddr_storage parse_address(const std::string& address, socklen_t& size) {
  const auto fail = [&] {
    throw Error(
        ErrorKind::Config,
        fmt::format("'{}' is no address to listen on; write \"127.0.0.1:9464\" or \"[::1]:9464\"", address));
  };
  const std::size_t colon = address.rfind(':');
  if (colon == std::string::npos) fail();
  std::string host = address.substr(0, colon);
  unsigned port = 65536;
  const char* end = address.data() + address.size();
  const auto parsed = std::from_chars(address.data() + colon + 1, end, port);
  if (parsed.ptr != end || parsed.ec != std::errc() || port > 65535) fail();
  sockaddr_storage storage{};
  if (host.starts_with('[') && host.ends_with(']')) {
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    six.sin6_family = AF_INET6;
    six.sin6_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &six.sin6_addr) != 1) fail();
    size = sizeof six;
  } else {
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    four.sin_family = AF_INET;
    four.sin_port = htons(static_cast<std::uint16_t>(port));
    if (::inet_pton(AF_INET, host.c_str(), &four.sin_addr) != 1) fail();
    size = sizeof four;
  }
  return storage;
}

int listen_on(const std::string& address) {
  socklen_t size = 0;
  const sockaddr_storage storage = parse_address(address, size);
  const int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (fd < 0 || ::bind(fd, reinterpret_cast<const sockaddr*>(&storage), size) != 0 || ::listen(fd, 64) != 0) {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    throw Error(ErrorKind::Config, fmt::format("listening on {}: {}", address, std::strerror(error)));
  }
  return fd;
}

std::string bound_address(int fd, const std::string& asked) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
  const auto port = storage.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(storage).sin6_port
                                                  : reinterpret_cast<sockaddr_in&>(storage).sin_port;
  return fmt::format("{}:{}", asked.substr(0, asked.rfind(':')), ntohs(port));
}

}  // namespace

coro::Task<> PageWriter::send(std::string text) {
  begun_ = true;
  co_await with_timeout(clock_, limits_.write, "answering over HTTP", stream_.write(text));
}

coro::Task<> PageWriter::page(int status, std::string content_type, std::string body,
                              std::string more_headers) {
  std::string text = fmt::format(
      "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n"
      "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n{}{}\r\n",
      status, reason(status), content_type, body.size(), headers_, more_headers);
  if (!head_only_) text += body;
  co_await send(std::move(text));
}

coro::Task<> PageWriter::begin(std::string content_type) {
  std::string text = fmt::format(
      "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nConnection: close\r\nX-Content-Type-Options: nosniff\r\n"
      "Cache-Control: no-store\r\n{}\r\n",
      content_type, headers_);
  co_await send(std::move(text));
}

coro::Task<> PageWriter::write(std::string text) {
  if (!head_only_) co_await send(std::move(text));
}

coro::Task<> serve_request(Clock& clock, loop::Stream& stream, std::string begun, const Handler& handler,
                           const ServerLimits& limits) {
  std::optional<PageWriter> response;
  int status = 0;
  std::string why;
  try {
    auto reading = read_head(stream, std::move(begun), limits.head);
    const std::string head =
        co_await with_timeout(clock, limits.request, "reading a request", std::move(reading));
    const PageRequest request = parse_head(head);
    response.emplace(clock, stream, limits, request.method == "HEAD");
    co_await handler(request, *response);
  } catch (const coro::Cancelled&) {
    throw;
  } catch (const Refused& refused) {
    status = refused.status;
    why = refused.why;
  } catch (const std::exception& error) {
    log::debug("", "http: {}", error.what());
    if (!response || !response->begun()) status = 500;
    why = "an error; the log of syncd says more\n";
  }
  if (status != 0) {
    if (!response) response.emplace(clock, stream, limits, false);
    try {
      co_await response->page(status, "text/plain; charset=utf-8", why);
    } catch (const Error& error) {
      log::debug("", "http: {}", error.what());
    }
  }
  stream.close();
}

Server::Server(loop::EventLoop& loop, const std::string& address, std::optional<config::Secret> token,
               Handler handler, ServerLimits limits)
    : loop_(loop), token_(std::move(token)), handler_(std::move(handler)), limits_(limits) {
  const int fd = listen_on(address);
  address_ = bound_address(fd, address);
  listener_ = std::make_unique<loop::Listener>(loop, fd);
  guarded_ = [this](const PageRequest& request, PageWriter& response) { return answer(request, response); };
}

bool Server::authorised(const PageRequest& request) const {
  return !token_ || config::Secret(request.authorization) == config::Secret("Bearer " + token_->reveal()) ||
         config::Secret(parameter(request.query, "access_token")) == *token_;
}

coro::Task<> Server::answer(const PageRequest& request, PageWriter& response) {
  if (std::find(origins_.begin(), origins_.end(), request.origin) != origins_.end()) {
    response.allow_origin(request.origin);
  }
  if (!authorised(request)) {
    co_await response.page(401, "text/plain; charset=utf-8", "this needs the bearer token of [http] token\n",
                           "WWW-Authenticate: Bearer\r\n");
    co_return;
  }
  co_await handler_(request, response);
}

coro::Task<> Server::serve() {
  const std::stop_token* stop = co_await coro::this_coro::stop_token();
  coro::AsyncScope connections(stop);
  std::exception_ptr why;
  try {
    while (true) {
      std::unique_ptr<loop::Stream> stream = co_await listener_->accept();
      if (open_ < limits_.connections) connections.spawn(serve_one(std::move(stream)));
    }
  } catch (...) {
    why = std::current_exception();
  }
  connections.request_stop();
  co_await connections.join();
  std::rethrow_exception(why);
}

coro::Task<> Server::serve_one(std::unique_ptr<loop::Stream> stream) {
  struct Counted {
    std::size_t& count;
    explicit Counted(std::size_t& open) : count(open) { ++count; }
    ~Counted() { --count; }
  };
  const Counted counted(open_);
  co_await serve_request(loop_, *stream, "", guarded_, limits_);
}

bool is_loopback(const std::string& address) {
  socklen_t size = 0;
  const sockaddr_storage storage = parse_address(address, size);
  if (storage.ss_family == AF_INET6) {
    return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6&>(storage).sin6_addr);
  }
  return (ntohl(reinterpret_cast<const sockaddr_in&>(storage).sin_addr.s_addr) >> 24) == 127;
}

}  // namespace syncd::http
