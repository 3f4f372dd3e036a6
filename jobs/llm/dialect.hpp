// What differs between vendors: how a request is written and how a stream is read.  Pure: no I/O.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "daemon/base/time.hpp"
#include "daemon/http/client.hpp"
#include "daemon/http/sse.hpp"
#include "jobs/llm/answer.hpp"
#include "jobs/llm/batch_dialect.hpp"
#include "jobs/llm/failure.hpp"

namespace syncd::llm {

// One stream being read.
class Decoder {
 public:
  virtual ~Decoder() = default;
  // Appends the text that the event carries.  Events that nobody knows are ignored; one that makes no sense
  // and one that reports an error throw Failure.
  virtual void take(const http::Event& event, std::string& text) = 0;
  // The vendor's last event was here: what comes after it is of no interest.
  virtual bool done() const noexcept = 0;
  virtual End end() const = 0;
};

class Dialect {
 public:
  virtual ~Dialect() = default;
  // A streaming request; the limits are the caller's.
  virtual http::Request request(const Ask& ask) const = 0;
  virtual std::unique_ptr<Decoder> decoder() const = 0;
  // What a reply means whose status is not 200.
  virtual Failure failure(int status, const http::Headers& headers, std::string_view body,
                          WallTime now) const = 0;
  // How long the vendor's counters of requests and tokens ask us to pause; nullopt while there are some left.
  virtual std::optional<std::chrono::nanoseconds> pause(const http::Headers& headers, WallTime now) const = 0;
  // Null: the vendor answers one question at a time.
  virtual const BatchDialect* batches() const noexcept = 0;
};

}  // namespace syncd::llm
