#include "daemon/loop/readiness.hpp"

#include <uv.h>

#include <string>

#include "daemon/base/error.hpp"

namespace syncd::loop {

struct Readiness::Handle {
  static void on_events(uv_poll_t* poll, int status, int events) {
    const auto& ready = static_cast<Handle*>(poll->data)->ready;
    ready(status < 0 || (events & UV_READABLE) != 0, status < 0 || (events & UV_WRITABLE) != 0);
  }
  uv_poll_t poll{};
  std::function<void(bool, bool)> ready;
};

Readiness::Readiness(EventLoop& loop, int fd, std::function<void(bool, bool)> ready) : handle_(new Handle) {
  const int status = uv_poll_init(loop.uv(), &handle_->poll, fd);
  if (status < 0) {
    delete handle_;
    throw Error(ErrorKind::Transient, std::string("watching a descriptor: ") + uv_strerror(status));
  }
  handle_->poll.data = handle_;
  handle_->ready = std::move(ready);
}

Readiness::~Readiness() {
  uv_poll_stop(&handle_->poll);
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->poll),
           [](uv_handle_t* handle) { delete static_cast<Handle*>(handle->data); });
}

void Readiness::watch(bool readable, bool writable) {
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  if (events == 0) {
    uv_poll_stop(&handle_->poll);
  } else {
    uv_poll_start(&handle_->poll, events, &Handle::on_events);
  }
}

}  // namespace syncd::loop
