#include "jobs/sinks/redis_checkpoint.hpp"

#include <fmt/format.h>

#include <random>

#include "daemon/base/host.hpp"

namespace syncd::jobs {
namespace {

constexpr std::string_view kPosition = "position";
constexpr int kTries = 10;  // others may touch the keys between our look and our commit

std::string new_epoch(const std::string& instance) {
  std::random_device random;
  return fmt::format("{}:{:08x}{:08x}", instance, random(), random());
}

Positions positions_of(const redis::Reply& hash) {
  Positions positions;
  redis::Reply name = hash.first();
  for (std::size_t i = 0; i + 1 < hash.size(); i += 2) {
    const redis::Reply value = name.next();
    const std::string_view field = name.text();
    if (field == kPosition) {
      positions.advance(Position("", std::string(value.text())));
    } else if (field.starts_with("position:")) {
      positions.advance(Position(std::string(field.substr(kPosition.size() + 1)), std::string(value.text())));
    }
    name = value.next();
  }
  return positions;
}

std::string value_of(const redis::Reply& hash, std::string_view wanted) {
  redis::Reply name = hash.first();
  for (std::size_t i = 0; i + 1 < hash.size(); i += 2) {
    const redis::Reply value = name.next();
    if (name.text() == wanted) return std::string(value.text());
    name = value.next();
  }
  return {};
}

}  // namespace

RedisCheckpoint::RedisCheckpoint(const RunContext& context)
    : job_(context.job),
      instance_(context.instance),
      key_(fmt::format("syncd:{{{}}}:cp", context.job)),
      lease_key_(fmt::format("syncd:{{{}}}:owner", context.job)) {}

std::string RedisCheckpoint::field(const std::string& partition) {
  return partition.empty() ? std::string(kPosition) : fmt::format("{}:{}", kPosition, partition);
}

bool RedisCheckpoint::reserved(std::string_view key) noexcept {
  return key.starts_with("syncd:{") && (key.ends_with("}:cp") || key.ends_with("}:owner"));
}

void RedisCheckpoint::append_lease(redis::CommandBuffer& out) const {
  out.add("SET", lease_key_, epoch_, "PX", kLeaseMilliseconds);
}

void RedisCheckpoint::append_watch(redis::CommandBuffer& out) const {
  out.add("WATCH", key_);
  out.add("HMGET", key_, "epoch", "owner");
}

Task<Positions> RedisCheckpoint::take_over(redis::Connection& connection) {
  auto positions = co_await begin_epoch(connection, nullptr);
  co_return positions;
}

Task<> RedisCheckpoint::assign(redis::Connection& connection, Positions positions) {
  co_await begin_epoch(connection, &positions);
}

// `replacement`, if any, takes the place of the positions that are there.
Task<Positions> RedisCheckpoint::begin_epoch(redis::Connection& connection, const Positions* replacement) {
  redis::CommandBuffer commands;
  redis::Replies replies;
  for (int i = 0; i < kTries; ++i) {
    commands.clear();
    commands.add("WATCH", key_, lease_key_);
    commands.add("HGETALL", key_);
    commands.add("GET", lease_key_);
    commands.add("PTTL", lease_key_);
    co_await connection.execute(commands.view(), commands.commands(), replies);
    for (std::size_t reply = 0; reply < replies.count(); ++reply) {
      if (!replies[reply].error()) continue;
      if (replies[reply].text().starts_with("WRONGTYPE")) {
        throw Error(
            ErrorKind::Permanent,
            fmt::format("Redis: {} or {} is no checkpoint of ours: somebody else uses this key; rename "
                        "the job or remove the key",
                        key_, lease_key_));
      }
      throw redis::to_error(replies[reply].text());
    }
    const bool leased = !replies[2].nil() && !replies[2].text().starts_with(instance_ + ":");
    if (leased) {
      const std::string owner = value_of(replies[1], "owner");
      const auto left = std::chrono::milliseconds(std::max<std::int64_t>(replies[3].integer(), 0));
      throw Error(
          ErrorKind::Fenced,
          fmt::format("job '{}' is run by another syncd ({}); its lease ends in {} unless it is renewed",
                      job_, owner.empty() ? "unknown" : owner, human_duration(left)));
    }
    Positions positions = replacement != nullptr ? *replacement : positions_of(replies[1]);
    epoch_ = new_epoch(instance_);
    commands.clear();
    commands.add("MULTI");
    if (replacement != nullptr) commands.add("DEL", key_);
    commands.add("HSET", key_, "epoch", epoch_, "owner", this_process());
    if (replacement != nullptr) {
      for (const auto& [partition, text] : positions.all())
        commands.add("HSET", key_, field(partition), text);
    }
    append_lease(commands);
    commands.add("EXEC");
    const std::size_t exec = commands.commands() - 1;
    append_watch(commands);
    co_await connection.execute(commands.view(), commands.commands(), replies);
    for (std::size_t reply = 0; reply <= exec; ++reply) {
      if (replies[reply].error()) throw redis::to_error(replies[reply].text());
    }
    const bool taken = !replies[exec].nil() && ours(replies[exec + 2]);
    if (taken) co_return positions;
  }
  throw Error(ErrorKind::Transient, fmt::format("taking over {}: others keep changing it", key_));
}

Task<Positions> RedisCheckpoint::recall(redis::Connection& connection) const {
  std::vector<std::string> question{"HGETALL", key_};
  const redis::Replies replies = co_await connection.command(std::move(question));
  co_return positions_of(replies[0]);
}

Task<> RedisCheckpoint::correct(redis::Connection& connection, const Position& position) const {
  redis::CommandBuffer commands;
  redis::Replies replies;
  commands.add("MULTI");
  if (position.text().empty()) {
    commands.add("HDEL", key_, field(position.partition()));
  } else {
    commands.add("HSET", key_, field(position.partition()), position.text());
  }
  commands.add("EXEC");
  append_watch(commands);
  co_await connection.send(commands.view());
  const redis::Reply exec = co_await receive_exec(connection, 1, replies);
  if (exec.first().error()) throw redis::to_commit_error(exec.first().text());
}

Task<redis::Reply> RedisCheckpoint::receive_exec(redis::Connection& connection, std::size_t queued,
                                                 redis::Replies& replies) const {
  co_await connection.receive(1, replies);
  if (replies[0].error()) throw redis::to_error(replies[0].text());
  const std::size_t skipped = co_await connection.skip_queued(queued);
  const std::size_t refused = queued - skipped;
  co_await connection.receive(refused + 3, replies);
  for (std::size_t i = 0; i < refused; ++i) {
    if (replies[i].error()) throw redis::to_commit_error(replies[i].text());
  }
  const redis::Reply exec = replies[refused];
  const redis::Reply held = replies[refused + 2];
  if (exec.error()) throw redis::to_error(exec.text());
  // Where it was done but is ours no longer, what comes next would not be: better said now.
  if (exec.nil() || !ours(held)) throw lost(held);
  co_return exec;
}

bool RedisCheckpoint::ours(const redis::Reply& held) const {
  return held.type() == redis::ReplyType::Array && held.first().text() == epoch_;
}

Error RedisCheckpoint::lost(const redis::Reply& held) const {
  if (held.error()) return redis::to_error(held.text());
  const redis::Reply epoch = held.first();
  const redis::Reply owner = epoch.next();
  return lost_to(epoch.nil() ? std::string_view() : epoch.text(),
                 owner.nil() ? std::string_view() : owner.text());
}

Error RedisCheckpoint::lost_to(std::string_view epoch, std::string_view owner) const {
  if (epoch.empty()) {
    return Error(ErrorKind::Transient,
                 fmt::format("the checkpoint {} was removed from Redis (FLUSHALL, eviction?): nothing was "
                             "written; the next attempt reads everything again",
                             key_));
  }
  if (epoch == epoch_) {
    return Error(ErrorKind::Transient,
                 fmt::format("somebody changed {} meanwhile: nothing was written", key_));
  }
  return Error(ErrorKind::Fenced,
               fmt::format("job '{}' was taken over by another run ({}): nothing was written", job_,
                           owner.empty() ? "unknown" : owner));
}

}  // namespace syncd::jobs
