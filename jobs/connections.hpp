// The connections of the configuration, by name: one pool each, made at first use, shared by all jobs, and by
// the configurations before and after in which nothing about the connection has changed.
#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "config/model.hpp"
#include "daemon/loop/event_loop.hpp"

namespace syncd::postgres {
class Pool;
}
namespace syncd::redis {
class Pool;
}
namespace syncd::status {
class Relay;
}
namespace syncd::store {
class LlmJournal;
}
namespace syncd::llm {
class Provider;
}
namespace syncd::policy {
class CircuitBreaker;
}

namespace syncd::jobs {

class Connections {
 public:
  // `before`: those of the configuration that this one replaces; it may go before this.
  Connections(loop::EventLoop& loop, const std::map<std::string, config::Connection>& connections,
              const Connections* before = nullptr);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Findings of every connection's own options (uri, password, pool, ...), and unknown types.
  static void check(const std::map<std::string, config::Connection>& connections);

  // Precondition: the plan required a connection of this name and type.
  postgres::Pool& postgres(const std::string& name);
  redis::Pool& redis(const std::string& name);
  llm::Provider& model(const std::string& name);
  // Shared by all jobs that use the connection.
  policy::CircuitBreaker& breaker(const std::string& name) const;
  // Where answers are shown while they are written.
  status::Relay& relay() const noexcept { return *relay_; }
  // Of all jobs, opened at first use; "": one that is kept nowhere.  Throws where it is damaged.
  std::shared_ptr<store::LlmJournal> llm_journal(const std::filesystem::path& state_dir);
  loop::EventLoop& loop() const noexcept { return loop_; }

  // Sorted.
  std::vector<std::string> names() const;
  // The keys of `name` that are not as in `before`; none: it is the same connection, with the same pool.
  // Precondition: both have it.
  std::vector<std::string> changed_keys(const Connections& before, const std::string& name) const;

 private:
  struct One;

  loop::EventLoop& loop_;
  std::map<std::string, std::shared_ptr<One>> all_;
  std::shared_ptr<store::LlmJournal> llm_journal_;
  std::shared_ptr<status::Relay> relay_;
};

}  // namespace syncd::jobs
