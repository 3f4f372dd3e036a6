#include "daemon/http/multi.hpp"

#include <new>

namespace syncd::http {
namespace {

// Of one look: its sender may well have more.
constexpr std::size_t kMuch = kReceiveBuffer / 2;

CURLM* make_multi() {
  static const CURLcode ready = curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = ready == CURLE_OK ? curl_multi_init() : nullptr;
  if (multi == nullptr) throw std::bad_alloc();
  return multi;
}

}  // namespace

Client::Multi::Multi(loop::EventLoop& loop_in, ClientOptions options_in)
    : loop(loop_in),
      options(std::move(options_in)),
      sockets_(loop,
               [this](int fd, bool readable, bool writable) {
                 received_ = 0;
                 act(fd, (readable ? CURL_CSELECT_IN : 0) | (writable ? CURL_CSELECT_OUT : 0));
                 return received_ >= kMuch;
               }),
      handle_(make_multi()) {
  curl_multi_setopt(handle_, CURLMOPT_SOCKETFUNCTION, &Multi::on_socket);
  curl_multi_setopt(handle_, CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(handle_, CURLMOPT_TIMERFUNCTION, &Multi::on_timer);
  curl_multi_setopt(handle_, CURLMOPT_TIMERDATA, this);
}

Client::Multi::~Multi() {
  curl_multi_cleanup(handle_);
  if (timer_) loop.disarm(*timer_);
}

void Client::Multi::add(CURL* easy) { curl_multi_add_handle(handle_, easy); }

void Client::Multi::unpause(CURL* easy) {
  curl_easy_pause(easy, CURLPAUSE_CONT);
  collect();
}

int Client::Multi::on_socket(CURL*, curl_socket_t fd, int what, void* self, void*) {
  try {
    const bool removed = what == CURL_POLL_REMOVE;
    static_cast<Multi*>(self)->sockets_.watch(fd, !removed && (what & CURL_POLL_IN) != 0,
                                              !removed && (what & CURL_POLL_OUT) != 0);
  } catch (const Error&) {
    return -1;  // libcurl fails what waits for the socket
  }
  return 0;
}

int Client::Multi::on_timer(CURLM*, long milliseconds, void* self) {
  auto& multi = *static_cast<Multi*>(self);
  if (multi.timer_) multi.loop.disarm(*std::exchange(multi.timer_, std::nullopt));
  if (milliseconds >= 0) {
    multi.timer_ = multi.loop.arm(multi.loop.now() + std::chrono::milliseconds(milliseconds), multi);
  }
  return 0;
}

void Client::Multi::due() {
  timer_.reset();
  act(CURL_SOCKET_TIMEOUT, 0);
}

void Client::Multi::act(curl_socket_t fd, int events) {
  int running = 0;
  curl_multi_socket_action(handle_, fd, events, &running);
  collect();
}

void Client::Multi::collect() {
  int waiting = 0;
  while (const CURLMsg* message = curl_multi_info_read(handle_, &waiting)) {
    if (message->msg != CURLMSG_DONE) continue;
    Running* transfer = nullptr;
    const CURLcode result = message->data.result;
    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &transfer);
    transfer->done(result);
  }
}

}  // namespace syncd::http
