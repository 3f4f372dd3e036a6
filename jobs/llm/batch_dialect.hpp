// What differs between vendors in how many questions are answered at once, later and for less money: how a
// batch is written, looked at and read.  Pure: no I/O.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/base/time.hpp"
#include "daemon/http/client.hpp"
#include "jobs/llm/answer.hpp"
#include "jobs/llm/failure.hpp"

namespace syncd::llm {

// What the vendor says of a batch.  A class, not an aggregate: coroutines return it.
class BatchView {
 public:
  BatchView() = default;
  std::string id;
  std::string word;  // how the vendor calls its state
  bool ended = false;
  bool cut_short = false;  // it expired or was cancelled: what has no result was not done
  std::uint64_t total = 0;
  std::uint64_t done = 0;  // some vendors count at the end only
  std::string marker;      // ours, where the vendor keeps it
  std::optional<WallTime> created;
  std::vector<std::string> results;  // paths
  std::optional<Failure> refusal;    // nothing was done, and why
};

// A part of the list of batches, newest first.
class BatchPage {
 public:
  BatchPage() = default;
  std::vector<BatchView> batches;
  std::string next;  // path of the next part; "" for none
};

// What became of one question.
class BatchResult {
 public:
  BatchResult() = default;
  std::string custom_id;
  std::string text;
  End end;
  std::optional<Failure> failure;  // then there is no answer, and nothing is to be paid
};

class BatchDialect {
 public:
  virtual ~BatchDialect() = default;
  // What the vendor takes in one batch.
  virtual std::size_t most_requests() const noexcept = 0;
  virtual std::size_t most_bytes() const noexcept = 0;
  // Views carry the marker; else only the custom ids within the results tell whose a batch is.
  virtual bool keeps_marker() const noexcept = 0;

  // One question, as JSON without line ends.
  virtual std::string entry(const std::string& custom_id, const Ask& ask) const = 0;
  // Brings the entries to the vendor before the batch is made of them; nullopt where that is not wanted.
  virtual std::optional<http::Request> upload(const std::string& marker,
                                              const std::vector<std::string>& entries) const = 0;
  // The name of what was uploaded.
  virtual std::string uploaded(std::string_view reply) const = 0;
  // `file`: as uploaded() said, "" where there was no upload.
  virtual http::Request create(const std::string& marker, const std::vector<std::string>& entries,
                               const std::string& file) const = 0;
  virtual http::Request look(const std::string& id) const = 0;
  // `path`: as a page said, "" for the first one.
  virtual http::Request list(const std::string& path) const = 0;
  virtual http::Request results(const std::string& path) const = 0;

  // These throw Failure (Broken) where the reply makes no sense.
  virtual BatchView view(std::string_view reply) const = 0;
  virtual BatchPage page(std::string_view reply) const = 0;
  virtual BatchResult result(std::string_view line) const = 0;
};

}  // namespace syncd::llm
