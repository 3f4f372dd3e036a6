#include "daemon/http/client.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <new>

#include "daemon/base/escape.hpp"
#include "daemon/base/version.hpp"
#include "daemon/coro/signal.hpp"
#include "daemon/http/multi.hpp"

namespace syncd::http {
namespace {

// What waits in memory while nobody pulls; libcurl adds one buffer of its own.
constexpr std::size_t kHeldBytes = 64 * 1024;
constexpr std::size_t kHeadBytes = 64 * 1024;

// "https://host/path": without what a query may hold.
std::string shown(const std::string& url) { return escaped(url.substr(0, url.find('?'))); }

bool never_sent(CURLcode code) {
  switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
      return true;
    default:
      return false;
  }
}

bool permanent(CURLcode code) {
  return code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE ||
         code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
struct FreeEasy {
  void operator()(CURL* easy) const { curl_easy_cleanup(easy); }
};

}  // namespace

class Response::Transfer final : private Running {
 public:
  Transfer(Client::Multi& multi, Request request);
  ~Transfer() { multi_.remove(easy_.get()); }
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;

  coro::Task<> head();
  // The next bytes; empty at the end.
  coro::Task<std::string> some();
  int status() const noexcept { return status_; }
  const Headers& headers() const noexcept { return headers_; }

 private:
  void set_up();
  void set_headers();
  static std::size_t on_header(char* data, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* data, std::size_t size, std::size_t count, void* self);
  bool take_header(std::string_view line);
  void done(CURLcode result) override;
  coro::Task<> news(TimePoint since);
  [[noreturn]] void fail(const std::string& why, ErrorKind kind = ErrorKind::Transient) const;
  void check_result() const;
  bool sent() const;

  Client::Multi& multi_;
  const Request request_;
  std::unique_ptr<curl_slist, FreeList> fields_;
  std::unique_ptr<CURL, FreeEasy> easy_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  coro::Signal changed_;
  const TimePoint deadline_;
  TimePoint last_byte_;
  Headers headers_;
  std::size_t head_bytes_ = 0;
  int status_ = 0;
  bool head_complete_ = false;
  std::string held_;
  bool paused_ = false;
  std::optional<CURLcode> result_;
};

Response::Transfer::Transfer(Client::Multi& multi, Request request)
    : multi_(multi),
      request_(std::move(request)),
      easy_(curl_easy_init()),
      changed_(multi.loop),
      deadline_(from_now(multi.loop, request_.limits.total)),
      last_byte_(multi.loop.now()) {
  if (!easy_) throw std::bad_alloc();
  set_up();
  set_headers();
  multi_.add(easy_.get());
}

void Response::Transfer::set_up() {
  CURL* easy = easy_.get();
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(request_.limits.connect).count();
  curl_easy_setopt(easy, CURLOPT_PRIVATE, static_cast<Running*>(this));
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, error_.data());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, kReceiveBuffer);
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);  // a resolver that hangs is left behind, not waited for
  curl_easy_setopt(easy, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);  // HTTP/2 stalls when paused
  curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
  curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(milliseconds));
  curl_easy_setopt(easy, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2);
  curl_easy_setopt(easy, CURLOPT_PROXY, multi_.options.proxy.c_str());
  curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  curl_easy_setopt(easy, CURLOPT_USERAGENT, fmt::format("syncd/{}", kVersion).c_str());
  if (!multi_.options.ca_file.empty()) {
    curl_easy_setopt(easy, CURLOPT_CAINFO, multi_.options.ca_file.c_str());
  }
  if (request_.method == "POST") {
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request_.body.c_str());
  } else {
    curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, this);
}

void Response::Transfer::set_headers() {
  const auto append = [this](const char* line) {
    curl_slist* longer = curl_slist_append(fields_.get(), line);
    if (longer == nullptr) throw std::bad_alloc();
    static_cast<void>(fields_.release());
    fields_.reset(longer);
  };
  append("Expect:");
  for (const std::string& header : request_.headers) append(header.c_str());
  curl_easy_setopt(easy_.get(), CURLOPT_HTTPHEADER, fields_.get());
}

std::size_t Response::Transfer::on_header(char* data, std::size_t size, std::size_t count, void* self) {
  return static_cast<Transfer*>(self)->take_header({data, size * count}) ? size * count : 0;
}

// False ends the request: no head is that long.
bool Response::Transfer::take_header(std::string_view line) {
  last_byte_ = multi_.loop.now();
  head_bytes_ += line.size();
  if (head_bytes_ > kHeadBytes) return false;
  if (head_complete_) return true;  // a trailer
  if (line.substr(0, 5) == "HTTP/") {
    headers_.clear();
    return true;
  }
  if (line != "\r\n" && line != "\n") {
    headers_.add_line(line);
    return true;
  }
  long status = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
  status_ = static_cast<int>(status);
  head_complete_ = status >= 200;  // one below it announces another
  changed_.notify();
  return true;
}

std::size_t Response::Transfer::on_body(char* data, std::size_t size, std::size_t count, void* self) {
  auto& transfer = *static_cast<Transfer*>(self);
  const std::size_t bytes = size * count;
  if (transfer.held_.size() >= kHeldBytes) {
    transfer.paused_ = true;
    return CURL_WRITEFUNC_PAUSE;  // the same bytes come again
  }
  transfer.last_byte_ = transfer.multi_.loop.now();
  transfer.held_.append(data, bytes);
  transfer.multi_.received(bytes);
  transfer.changed_.notify();
  return bytes;
}

void Response::Transfer::done(CURLcode result) {
  result_ = result;
  changed_.notify();
}

bool Response::Transfer::sent() const {
  if (result_ && never_sent(*result_)) return false;
  long bytes = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &bytes);
  return bytes > 0;
}

void Response::Transfer::fail(const std::string& why, ErrorKind kind) const {
  throw Failure(kind, fmt::format("{} {}: {}", request_.method, shown(request_.url), why), sent());
}

void Response::Transfer::check_result() const {
  if (!result_ || *result_ == CURLE_OK) return;
  if (head_bytes_ > kHeadBytes) fail(fmt::format("the head of the answer exceeds {} bytes", kHeadBytes));
  std::string why = error_[0] != '\0' ? error_.data() : curl_easy_strerror(*result_);
  while (!why.empty() && why.back() == '\n') why.pop_back();
  fail(escaped(why), permanent(*result_) && !sent() ? ErrorKind::Permanent : ErrorKind::Transient);
}

// Waits until something happens; `since` is when the waiting began.  Throws Failure at a deadline.
coro::Task<> Response::Transfer::news(TimePoint since) {
  const auto idle = request_.limits.idle;
  const TimePoint quiet = std::max(last_byte_, since);
  const TimePoint silent = idle > TimePoint::max() - quiet ? TimePoint::max() : quiet + idle;
  const bool happened = co_await changed_.wait_until(std::min(silent, deadline_));
  if (happened) co_return;
  if (multi_.loop.now() >= deadline_) {
    fail(fmt::format("not done within {}", human_duration(request_.limits.total)));
  }
  fail(fmt::format("no byte for {}", human_duration(idle)));
}

coro::Task<> Response::Transfer::head() {
  const TimePoint since = multi_.loop.now();
  while (!head_complete_ && !result_) {
    co_await news(since);
  }
  if (!head_complete_) {
    check_result();
    fail("the answer has no head");
  }
}

coro::Task<std::string> Response::Transfer::some() {
  const TimePoint since = multi_.loop.now();
  if (since >= deadline_) fail(fmt::format("not done within {}", human_duration(request_.limits.total)));
  if (held_.empty() && std::exchange(paused_, false)) multi_.unpause(easy_.get());
  while (held_.empty() && !result_) {
    co_await news(since);
  }
  if (held_.empty()) check_result();
  std::string chunk;
  chunk.swap(held_);
  co_return chunk;
}

Response::Response(std::unique_ptr<Transfer> transfer) : transfer_(std::move(transfer)) {}
Response::Response(Response&&) noexcept = default;
Response::~Response() = default;
int Response::status() const noexcept { return transfer_->status(); }
const Headers& Response::headers() const noexcept { return transfer_->headers(); }

Chunks Response::body(Response response) {
  while (true) {
    std::string chunk = co_await response.transfer_->some();
    if (chunk.empty()) co_return;
    co_yield std::move(chunk);
  }
}

coro::Task<std::string> Response::text(Response response, std::size_t limit) {
  std::string text;
  while (text.size() < limit) {
    const std::string chunk = co_await response.transfer_->some();
    if (chunk.empty()) break;
    text += chunk;
  }
  if (text.size() > limit) text.resize(limit);
  co_return text;
}

Client::Client(loop::EventLoop& loop, ClientOptions options)
    : multi_(std::make_unique<Multi>(loop, std::move(options))) {}
Client::~Client() = default;

coro::Task<Response> Client::send(Request request) {
  Response response(std::make_unique<Response::Transfer>(*multi_, std::move(request)));
  co_await response.transfer_->head();
  co_return response;
}

}  // namespace syncd::http
