// libcurl's multi handle on the loop: its sockets are watched, its timer is one of ours.  For this room only.
#pragma once
#include <curl/curl.h>

#include <memory>
#include <optional>

#include "daemon/http/client.hpp"
#include "daemon/loop/readiness.hpp"

namespace syncd::http {

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

  loop::EventLoop& loop;
  const ClientOptions options;

 private:
  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* self, void* watch);
  static int on_timer(CURLM* multi, long milliseconds, void* self);
  void due() override;
  void act(curl_socket_t fd, int events);
  void collect();

  CURLM* handle_;
  std::optional<Timers::Slot> timer_;
};

}  // namespace syncd::http
