// Writers: clients that write Items in every way that makes a poller lose rows: they commit late, draw
// now() or an id before their first write, roll back to savepoints, commit in two phases, and update each
// other's rows.  They outlive a restart of the server.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/support/items.hpp"

namespace syncd::test {

class Writers {
 public:
  explicit Writers(const Items& items, unsigned seed, unsigned count = 8);
  ~Writers() { stop(); }
  Writers(const Writers&) = delete;
  Writers& operator=(const Writers&) = delete;

  // Returns when every transaction has ended, prepared ones too.
  void stop();
  // Transactions that were committed so far.
  std::uint64_t committed() const noexcept { return committed_; }

 private:
  class Writer;

  std::atomic<bool> stop_ = false;
  std::atomic<std::uint64_t> committed_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace syncd::test
