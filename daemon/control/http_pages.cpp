#include "daemon/control/http_pages.hpp"

#include <algorithm>

#include "daemon/control/http_events.hpp"
#include "daemon/status/metrics.hpp"

namespace syncd::control {
namespace {

const std::string kText = "text/plain; charset=utf-8";

bool known(const Operations& operations, const std::string& job) {
  const std::vector<std::string> all = operations.job_names();
  return std::find(all.begin(), all.end(), job) != all.end();
}

coro::Task<> answer(Clock& clock, Operations& operations, std::string path, http::PageWriter& response) {
  const auto job = events_of(path);
  if (path == "/metrics") {
    std::string type(status::MetricsPage::kContentType);
    co_await response.page(200, std::move(type), operations.metrics());
  } else if (path == "/healthz") {
    co_await response.page(200, kText, "ok\n");
  } else if (path == "/readyz") {
    const std::string why = operations.unready();
    const int code = why.empty() ? 200 : 503;
    std::string text = why.empty() ? "ready\n" : why + "\n";
    co_await response.page(code, kText, std::move(text));
  } else if (job && known(operations, *job)) {
    co_await send_events(clock, operations, *job, response);
  } else if (job) {
    co_await response.page(404, kText, "no such job; /metrics names them all\n");
  } else {
    co_await response.page(404, kText, "pages: /metrics /healthz /readyz /jobs/NAME/events\n");
  }
}

}  // namespace

http::Handler http_pages(Clock& clock, Operations& operations) {
  return [&clock, &operations](const http::PageRequest& request, http::PageWriter& response) {
    return answer(clock, operations, request.path, response);
  };
}

}  // namespace syncd::control
