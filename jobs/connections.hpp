// The connections of the configuration, by name: one pool each, made at first use, shared by all jobs.
#pragma once
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

namespace syncd::jobs {

class Connections {
 public:
  Connections(loop::EventLoop& loop, const std::map<std::string, config::Connection>& connections);
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  // Findings of every connection's own options (uri, password, pool, ...), and unknown types.
  static void check(const std::map<std::string, config::Connection>& connections);

  // Precondition: the plan required a connection of this name and type.
  postgres::Pool& postgres(const std::string& name);
  redis::Pool& redis(const std::string& name);

 private:
  loop::EventLoop& loop_;
  const std::map<std::string, config::Connection>& connections_;
  std::map<std::string, std::unique_ptr<postgres::Pool>> postgres_;
  std::map<std::string, std::unique_ptr<redis::Pool>> redis_;
};

}  // namespace syncd::jobs
