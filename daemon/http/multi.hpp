// libcurl's multi handle on the loop: its sockets are watched, its timer is one of ours.  For this room only.
#pragma once
#include <curl/curl.h>

#include <memory>
#include <optional>

#include "daemon/http/client.hpp"
#include "daemon/loop/gathered.hpp"

namespace syncd::http {

// Bytes that libcurl reads at once.  Each transfer has such a buffer of its own.
inline constexpr long kReceiveBuffer = 4 * 1024;

// What runs on the multi handle; found through CURLOPT_PRIVATE.
class Running {
 public:
  // Called from within libcurl: must not call it, nor resume anybody.
  virtual void done(CURLcode result) = 0;

 protected:
  ~Running() = default;
};

class Client::Multi final : private Timers::Entry {
 public:
  Multi(loop::EventLoop& loop_in, ClientOptions options_in);
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  void add(CURL* easy);
  void remove(CURL* easy) noexcept { curl_multi_remove_handle(handle_, easy); }
  void unpause(CURL* easy);
  // To be called for what arrives.
  void received(std::size_t bytes) noexcept { received_ += bytes; }

  loop::EventLoop& loop;
  const ClientOptions options;

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void*);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  void due() override;
  void act(curl_socket_t fd, int events);
  void collect();

  loop::Gathered sockets_;
  std::size_t received_ = 0;  // since the last look at a socket
  CURLM* handle_;
  std::optional<Timers::Slot> timer_;
};

}  // namespace syncd::http
