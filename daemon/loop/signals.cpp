#include "daemon/loop/signals.hpp"

#include <uv.h>

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

Signals::~Signals() {
  for (Handle* signal : handles_) {
    uv_close(reinterpret_cast<uv_handle_t*>(&signal->uv),
             [](uv_handle_t* uv) { delete static_cast<Handle*>(uv->data); });
  }
}

}  // namespace syncd::loop
