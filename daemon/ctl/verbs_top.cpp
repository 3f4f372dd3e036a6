#include "daemon/ctl/verbs_top.hpp"

#include <optional>

#include "daemon/ctl/members.hpp"
#include "daemon/ctl/screen.hpp"
#include "daemon/ctl/top_board.hpp"

namespace syncd::ctl {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kRefresh{1000};
// Keys wait for an answer no longer than that.
constexpr std::chrono::seconds kPatience{2};

// The statuses, over a connection that is made anew when the daemon was away.
class Feed {
 public:
  explicit Feed(std::string socket) : socket_(std::move(socket)) {}

  void refresh(TopBoard& board) {
    try {
      if (!client_) client_.emplace(socket_);
      const Json reply = client_->call("Status", Json::object(), kPatience);
      std::vector<status::JobStatus> jobs;
      for (const Json& each : list_of(reply, "jobs")) jobs.push_back(control::job_status_from_json(each));
      board.take(std::move(jobs), wall_now());
    } catch (const Failure& failure) {
      client_.reset();
      const std::string text = failure.what();
      board.trouble(text.substr(0, text.find('\n')));
    }
  }

 private:
  std::string socket_;
  std::optional<Client> client_;
};

ExitCode print_changes(const Arguments& arguments, Console& console) {
  const auto each = [&console](const Json& reply) {
    for (const Json& job : list_of(reply, "jobs")) console.print(job);
    console.flush();
  };
  each(Client(arguments.socket).call("Watch", Json::object(), std::nullopt, each));
  return kDone;
}

}  // namespace

ExitCode perform_top(const Arguments& arguments, Console& console) {
  if (arguments.json) return print_changes(arguments, console);
  { const Client there(arguments.socket); }  // says what is wrong before the screen is taken
  Feed feed(arguments.socket);
  TopBoard board;
  Screen screen;
  auto due = steady_clock::now();
  while (true) {
    if (steady_clock::now() >= due) {
      feed.refresh(board);
      due = steady_clock::now() + kRefresh;
    }
    Look look = console.look();
    look.width = screen.width();
    look.now = wall_now();
    screen.draw(board.lines(look, screen.height()));
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(due - steady_clock::now());
    const Screen::Event event = screen.wait(std::max(left, std::chrono::milliseconds(0)));
    if (event.leave) return kDone;
    for (const Press& press : event.presses) {
      if (!board.press(press)) return kDone;
    }
  }
}

}  // namespace syncd::ctl
