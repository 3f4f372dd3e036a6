#include "daemon/control/http_pages.hpp"

#include "daemon/status/metrics.hpp"

namespace syncd::control {
namespace {

const std::string kText = "text/plain; charset=utf-8";

coro::Task<> answer(Operations& operations, std::string path, http::PageWriter& response) {
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
  } else {
    co_await response.page(404, kText, "pages: /metrics /healthz /readyz\n");
  }
}

}  // namespace

http::Handler http_pages(Operations& operations) {
  return [&operations](const http::PageRequest& request, http::PageWriter& response) {
    return answer(operations, request.path, response);
  };
}

}  // namespace syncd::control
