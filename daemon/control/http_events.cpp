#include "daemon/control/http_events.hpp"

#include <algorithm>

#include "daemon/base/escape.hpp"

namespace syncd::control {
namespace {

using status::Piece;

// Proxies and browsers close what is silent for longer; and a client that has gone is noticed.
constexpr Duration kKeepAlive = std::chrono::seconds(15);

constexpr std::string_view kBefore = "/jobs/";
constexpr std::string_view kAfter = "/events";

// Every object has `content`: a client that knows nothing else adds it up.
void begin_object(std::string& out, std::string_view content) {
  out += "data: {\"content\":";
  append_json_string(out, content);
}
void member(std::string& out, std::string_view name, std::string_view text) {
  out.append(",\"").append(name).append("\":");
  append_json_string(out, text);
}
void end_object(std::string& out) { out += "}\n\n"; }

// The form in which vendors report errors: their parsers throw it.
void error(std::string& out, const std::string& why, const std::string& answer) {
  out += "event: error\n";
  begin_object(out, "");
  if (!answer.empty()) member(out, "answer", answer);
  out += ",\"error\":{\"message\":";
  append_json_string(out, why);
  out += "}";
  end_object(out);
}

void append(std::string& out, const Piece& piece) {
  switch (piece.kind) {
    case Piece::Kind::Text:
      begin_object(out, piece.text);
      member(out, "answer", piece.answer);
      break;
    case Piece::Kind::Again:
      out += "event: again\n";
      begin_object(out, "");
      member(out, "answer", piece.answer);
      member(out, "why", piece.text);
      break;
    case Piece::Kind::Done:
      begin_object(out, "");
      member(out, "answer", piece.answer);
      out += ",\"done\":true";
      break;
    case Piece::Kind::Lost:
      begin_object(out, "");
      out.append(",\"lost\":").append(piece.text);
      break;
    case Piece::Kind::Failed:
      error(out, piece.text, piece.answer);
      return;
    case Piece::Kind::Ended:
      if (piece.text.empty()) {
        out += "data: [DONE]\n\n";
      } else {
        error(out, piece.text, "");
      }
      return;
    case Piece::Kind::Record:
    case Piece::Kind::Skipped:
    case Piece::Kind::Step:
      return;  // not asked for
  }
  end_object(out);
}

}  // namespace

std::optional<std::string> events_of(const std::string& path) {
  if (!path.starts_with(kBefore) || !path.ends_with(kAfter) || path.size() < kBefore.size() + kAfter.size())
    return std::nullopt;
  return path.substr(kBefore.size(), path.size() - kBefore.size() - kAfter.size());
}

std::string event_text(const std::vector<Piece>& pieces) {
  std::string text;
  for (const Piece& piece : pieces) append(text, piece);
  return text;
}

coro::Task<> send_events(Clock& clock, Operations& operations, std::string job, http::PageWriter& response) {
  status::Relay::Watcher watcher(clock, operations.relay(), job);
  co_await response.begin("text/event-stream; charset=utf-8");
  if (response.head_only()) co_return;
  co_await response.write(": the answers for " + job + " follow\n\n");
  bool ended = false;
  while (!ended) {
    std::vector<Piece> pieces = co_await watcher.next(clock.now() + kKeepAlive);
    const auto end = std::find_if(pieces.begin(), pieces.end(),
                                  [](const Piece& piece) { return piece.kind == Piece::Kind::Ended; });
    ended = end != pieces.end();
    if (ended) pieces.erase(end + 1, pieces.end());  // another run's
    std::string text = pieces.empty() ? std::string(": still here\n\n") : event_text(pieces);
    co_await response.write(std::move(text));
  }
}

}  // namespace syncd::control
