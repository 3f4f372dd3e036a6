// What syncctl shows to people.  Pure: data in, text out.  Every text from outside is escaped here, and no
// line is wider than the terminal but those that would lose something.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "daemon/control/protocol.hpp"
#include "daemon/status/job_status.hpp"

namespace syncd::ctl {

struct Look {
  std::size_t width = 80;  // columns; at least 20 are used
  bool colour = false;
  WallTime now = wall_now();
};

// A row per job, and below it why it does not move, if so.
std::string status_table(const std::vector<status::JobStatus>& jobs, const Look& look);
// Everything about one job.
std::string status_page(const status::JobStatus& job, const Look& look);
// What a row says of a job: why it does not move, if so; its lag; the rows of the run under way or the last
// one; the colour of its state, "" where there is none.
std::string remarks(const status::JobStatus& job);
std::string lag_text(const status::JobStatus& job);
std::uint64_t rows_of(const status::JobStatus& job);
std::string state_colour(status::JobState state, const Look& look);
// One line while a run is waited for, cut to the width.
std::string progress_line(const status::JobStatus& job, const Look& look);

// The parameters of the replies to Run, Check, Explain, ShowCheckpoint, ListDeadLetters, ClearDeadLetters.
std::string run_result(const std::string& job, const control::Json& result);
std::string findings(const control::Json& findings, const Look& look);
std::string explanation(const control::Json& reply, const Look& look);
std::string checkpoint(const control::Json& reply, const Look& look);
std::string dead_letters(const control::Json& reply, const Look& look);
std::string cleared(const std::string& job, const control::Json& reply);

// The parameters of the reply to DryRun; a line of the reply to Logs (render_live.cpp).
std::string dry_run(const control::Json& reply, const Look& look);
std::string log_line(const control::Json& line, const Look& look);
// What one more piece of the reply to Follow adds to the screen; `last`: the answer that was written to
// before.
std::string followed(const control::Json& piece, std::string& last);

// The parameters of the reply to ListFiles (render_files.cpp): a row per file, and below it what it does.
std::string file_table(const control::Json& reply, const Look& look);

// The parameters of the replies to Next, History, Reload (render_timeline.cpp).
std::string coming(const control::Json& reply, const Look& look);
std::string history(const control::Json& reply, const Look& look);
std::string difference(const control::Json& reply, bool dry_run, const Look& look);

// The parameters of the replies to LlmUsage, LlmAmbiguous (render_llm.cpp).
std::string llm_usage(const control::Json& reply, const Look& look);
std::string llm_ambiguous(const control::Json& reply, const Look& look);

// In the currency of the price table, whatever that is.
std::string money(std::uint64_t millionths);
// "1 row", "2,000 rows".
std::string counted(std::uint64_t count, std::string_view one, std::string_view many = "");
std::string human_size(std::uint64_t bytes);  // "1.2 GiB"
// "3 min ago", "in 12 s", "now".
std::string relative(WallTime time, WallTime now);

}  // namespace syncd::ctl
