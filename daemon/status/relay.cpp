#include "daemon/status/relay.hpp"

#include <algorithm>

namespace syncd::status {
namespace {

constexpr std::size_t kMostPieces = 4096;
constexpr std::size_t kMostBytes = 256 * 1024;

}  // namespace

std::string_view to_string(Piece::Kind kind) noexcept {
  switch (kind) {
    case Piece::Kind::Text:
      return "text";
    case Piece::Kind::Again:
      return "again";
    case Piece::Kind::Done:
      return "done";
    case Piece::Kind::Failed:
      return "failed";
    case Piece::Kind::Lost:
      return "lost";
    case Piece::Kind::Ended:
      return "ended";
    case Piece::Kind::Record:
      return "record";
    case Piece::Kind::Skipped:
      return "skipped";
    case Piece::Kind::Step:
      return "step";
  }
  return "?";
}

void Relay::publish(const std::string& job, const Piece& piece) {
  const bool for_all = piece.kind < Piece::Kind::Record;
  const auto [first, last] = watchers_.equal_range(job);
  for (auto at = first; at != last; ++at) {
    if (for_all || at->second->interest_ == Interest::Everything) at->second->add(piece);
  }
}

bool Relay::followed(const std::string& job) const {
  const auto [first, last] = watchers_.equal_range(job);
  return std::any_of(first, last,
                     [](const auto& entry) { return entry.second->interest_ == Interest::Everything; });
}

Relay::Watcher::Watcher(Clock& clock, Relay& relay, std::string job, Interest interest)
    : relay_(relay), job_(std::move(job)), interest_(interest), changed_(clock) {
  relay_.watchers_.emplace(job_, this);
}

Relay::Watcher::~Watcher() {
  const auto [first, last] = relay_.watchers_.equal_range(job_);
  relay_.watchers_.erase(
      std::find_if(first, last, [this](const auto& entry) { return entry.second == this; }));
}

void Relay::Watcher::add(const Piece& piece) {
  ring_.push_back(piece);
  bytes_ += piece.text.size();
  while (ring_.size() > kMostPieces || (bytes_ > kMostBytes && ring_.size() > 1)) {
    bytes_ -= ring_.front().text.size();
    ring_.pop_front();
    ++lost_;
  }
  changed_.notify();
}

coro::Task<std::vector<Piece>> Relay::Watcher::next(TimePoint deadline) {
  bool waited_enough = false;
  while (ring_.empty() && !waited_enough) {
    const bool announced = co_await changed_.wait_until(deadline);
    waited_enough = !announced;
  }
  std::vector<Piece> pieces;
  pieces.reserve(ring_.size() + 1);
  if (lost_ != 0) pieces.emplace_back("", Piece::Kind::Lost, std::to_string(lost_));
  for (Piece& piece : ring_) pieces.push_back(std::move(piece));
  ring_.clear();
  bytes_ = lost_ = 0;
  co_return pieces;
}

}  // namespace syncd::status
