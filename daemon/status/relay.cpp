#include "daemon/status/relay.hpp"

namespace syncd::status {
namespace {

constexpr std::size_t kMostPieces = 4096;
constexpr std::size_t kMostBytes = 256 * 1024;

}  // namespace

std::string_view to_string(Piece::Kind kind) noexcept {
  switch (kind) {
    case Piece::Kind::Text:
      return "text";
    case Piece::Kind::Done:
      return "done";
    case Piece::Kind::Failed:
      return "failed";
    case Piece::Kind::Lost:
      return "lost";
  }
  return "?";
}

void Relay::publish(const std::string& job, const Piece& piece) {
  for (Watcher* watcher : watchers_) {
    if (watcher->job_ == job) watcher->add(piece);
  }
}

Relay::Watcher::Watcher(Clock& clock, Relay& relay, std::string job)
    : relay_(relay),
      job_(std::move(job)),
      changed_(clock),
      place_(relay.watchers_.insert(relay.watchers_.end(), this)) {}

Relay::Watcher::~Watcher() { relay_.watchers_.erase(place_); }

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

coro::Task<std::vector<Piece>> Relay::Watcher::next() {
  while (ring_.empty()) {
    co_await changed_.wait();
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
