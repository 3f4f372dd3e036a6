// Batches of one vendor: the calls that make, find and read them.  What to do when one fails is the caller's
// affair; all of them throw Failure, and one that is ambiguous() may have been done.
#pragma once
#include "jobs/llm/batch_dialect.hpp"
#include "jobs/llm/provider.hpp"

namespace syncd::llm {

class Batches {
 public:
  // Precondition: the provider's vendor has batches.
  explicit Batches(Provider& provider) : provider_(provider), dialect_(*provider.batches()) {}

  const BatchDialect& dialect() const noexcept { return dialect_; }

  // Returns the name of the file; "" where the vendor wants none.
  coro::Task<std::string> upload(std::string marker, const std::vector<std::string>& entries);
  // Not to be repeated before it is certain that no batch was made.
  coro::Task<BatchView> create(std::string marker, const std::vector<std::string>& entries, std::string file);
  coro::Task<BatchView> look(std::string id);
  coro::Task<BatchPage> list(std::string path);

  // In whatever order they come.  Throws where a file was cut, or is none of results.
  using Results = coro::AsyncGenerator<BatchResult>;
  Results results(BatchView view, std::size_t& too_long);

 private:
  coro::Task<std::string> call(http::Request request);

  Provider& provider_;
  const BatchDialect& dialect_;
};

}  // namespace syncd::llm
