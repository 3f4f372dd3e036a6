#include "daemon/loop/signals.hpp"

#include <pthread.h>
#include <uv.h>

#include <csignal>
#include <utility>

namespace syncd::loop {

struct Signals::Handle {
  uv_signal_t uv{};
  std::shared_ptr<std::function<void(int)>> handle;
};

Signals::Signals(EventLoop& loop, std::initializer_list<int> numbers, std::function<void(int)> handle)
    : handle_(std::make_shared<std::function<void(int)>>(std::move(handle))) {
  for (const int number : numbers) {
    auto* signal = new Handle;
    signal->handle = handle_;
    signal->uv.data = signal;
    uv_signal_init(loop.uv(), &signal->uv);
    uv_signal_start(
        &signal->uv, [](uv_signal_t* uv, int caught) { (*static_cast<Handle*>(uv->data)->handle)(caught); },
        number);
    handles_.push_back(signal);
  }
}

// libuv leaves them as they are by default, which is deadly: blocked until they are ignored.
Signals::~Signals() {
  sigset_t ours;
  sigset_t before;
  sigemptyset(&ours);
  for (const Handle* signal : handles_) sigaddset(&ours, signal->uv.signum);
  pthread_sigmask(SIG_BLOCK, &ours, &before);
  for (Handle* signal : handles_) {
    const int number = signal->uv.signum;
    uv_close(reinterpret_cast<uv_handle_t*>(&signal->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
    std::signal(number, SIG_IGN);
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace syncd::loop
