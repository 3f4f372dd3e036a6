// FileEngine: reads what the globs match, in turns, and knows every file again, whatever was done to it in
// the meantime (docs/files.md).  All of it blocks: it runs on a thread of its own, but for steps that are
// short.  It outlives an attempt, because a file that was deleted can be read only as long as it is open.
#pragma once
#include <atomic>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

#include "jobs/sources/file_glob.hpp"
#include "jobs/sources/file_likeness.hpp"
#include "jobs/sources/file_notes.hpp"
#include "jobs/sources/file_tracked.hpp"

namespace syncd::jobs {

class FileEngine {
 public:
  // `options` and `interrupted`, which makes long reads end with Cancelled, outlive it.
  FileEngine(const FilesOptions& options, const std::atomic<bool>& interrupted);

  // A new attempt goes on from there; `to_the_end`: until everything that is there was read.  Throws a
  // Permanent error where a position is none of a file.
  void begin(const Positions& from, bool to_the_end);

  // What has happened since the last step.
  struct News {
    std::vector<Position> committed;
    std::set<std::string> written;  // paths
    bool names = false;             // files came or went, or nobody knows
  };
  struct Step {
    std::vector<Batch> batches;
    bool done = false;               // that was all
    std::optional<TimePoint> again;  // without batches: nothing to do before, unless there is news
    std::vector<std::string> warnings;
    std::optional<Duration> lag;
  };
  // Looks at what there is to look at, and reads what is there, some 2 MiB or two batches of it at most:
  // whoever waits for another thread had better not do it for each batch.
  Step step(TimePoint now, WallTime wall, const News& news);
  // Whether that step has nothing to look for and nothing to open, and little to read that was written just
  // now to local files: two changes of thread would take longer.
  bool step_is_short(TimePoint now, const News& news) const;

  // The folders in which changes matter, as of the latest look.
  const std::set<std::string>& folders() const noexcept { return folders_; }
  // Folders in which changes bring no event; they are looked at every `poll`.
  void poll_folders(std::set<std::string> folders) { polled_ = std::move(folders); }

  std::vector<FileNote> notes(TimePoint now) const;

 private:
  // A file that is met for the first time.
  struct Candidate {
    std::string path;
    FileFacts facts;
  };
  // One that is not read, or not yet.
  struct Suspect {
    std::string path;
    FileFacts facts;
    TimePoint since;  // when the facts were last different
    TimePoint first;
    std::uint64_t version = 0;               // of everything else, when it was looked into
    std::optional<std::uint64_t> begins_at;  // its size, where the job began with the ends of files
    bool undecided = false;
    std::string why;
    std::string trouble;  // it could not be opened
  };

  // --- file_engine_positions.cpp: where it goes on, and what is durable
  void clear();
  void restore(std::map<std::uint64_t, FilePosition> held);
  void resume(Tracked& file, FilePosition at);
  void committed(const Position& position);

  // --- file_engine.cpp: what is read next
  std::vector<Batch> read_ready(TimePoint now);
  std::optional<Batch> next(TimePoint now);
  std::optional<Batch> announcement();
  std::optional<Batch> read(Tracked& file, TimePoint now);
  std::optional<Batch> deliver(Tracked& file, Batch batch);
  std::optional<Batch> time_out(TimePoint now);
  std::optional<TimePoint> flush_at(const Tracked& file) const;
  std::optional<TimePoint> next_time() const;
  bool nothing_left() const;
  bool polls() const;
  bool look_is_due(TimePoint now) const;
  bool suspected(const std::string& path) const;
  std::optional<Duration> lag(TimePoint now) const;
  void fail_with_trouble() const;
  void queue(Tracked& file, TimePoint now);
  void announce(Tracked& file) { announced_.push_back(file.slot); }

  // --- file_engine_open.cpp: open files, and what is found in them
  bool ensure_open(Tracked& file, TimePoint now);
  bool open_by_path(Tracked& file);
  bool make_room();
  void truncated(Tracked& file, TimePoint now);
  void trouble(Tracked& file, const std::string& why);
  void finish(Tracked& file);
  bool all_of(const Tracked& file) const;

  // --- file_engine_look.cpp: what there is, and which file is which
  void look(TimePoint now);
  void see(Tracked& file, const std::string& path, const FileFacts& facts, TimePoint now);
  void touch(Tracked& file, const FileFacts& facts, TimePoint now);
  void miss(Tracked& file, TimePoint now);
  void attend(TimePoint now, WallTime wall);
  void forget_old(WallTime wall);
  void attend_missing(Tracked& file, TimePoint now, WallTime wall);
  void poll(TimePoint now);
  Tracked& add(std::uint64_t slot, FilePosition at, Tracked::Origin origin);
  void forget(std::uint64_t slot);
  std::uint64_t free_slot();
  void once(std::string text);

  // --- file_engine_adopt.cpp: a file that is met for the first time
  void adopt(const Candidate& candidate, TimePoint now);
  FileHandle open_candidate(const Candidate& candidate, Suspect& suspect);
  bool known_content(const Candidate& candidate, Suspect& suspect, TimePoint now);
  bool as_unread(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file,
                 TimePoint now);
  bool as_current(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file, bool sure,
                  TimePoint now);
  bool as_earlier(const Candidate& candidate, Suspect& suspect, FileReader& reader, Tracked& file, bool sure,
                  TimePoint now);
  void prove(Tracked& file, TimePoint now);
  void prove_now(Tracked& file, TimePoint now);
  enum class Extent { NoMore, More, Unclear };
  Extent extent_beside(FileReader& reader, Tracked& file, TimePoint now);
  bool wait_for_more(Suspect& suspect, bool shorter, const std::string& what, TimePoint now);
  std::vector<Tracked*> relatives(const Candidate& candidate);
  void move(Tracked& file, const Candidate& candidate, const Content& content, TimePoint now);
  Tracked& take_in(const Candidate& candidate, const Content& content, Tracked::Origin origin, TimePoint now);
  Tracked& take_in_from(const Candidate& candidate, std::uint64_t size, TimePoint now);
  bool gone(const Tracked& file, TimePoint now) const;

  const FilesOptions& options_;
  const Multiline multiline_;
  const FileReader::Style style_;
  const FileGlobs globs_;

  std::map<std::uint64_t, std::unique_ptr<Tracked>> files_;
  std::unordered_map<FileKey, Tracked*> by_key_;
  std::unordered_map<std::string, Tracked*> by_path_;       // as it is now
  std::unordered_multimap<std::string, Tracked*> by_stem_;  // LogName::stem
  std::unordered_map<FileKey, Suspect> suspects_;
  std::map<std::string, std::string> skipped_;  // path -> why
  std::set<std::string> folders_;
  std::set<std::string> polled_;
  std::set<std::string> said_once_;
  std::vector<std::string> warnings_;

  std::deque<Tracked*> ready_;
  std::deque<std::uint64_t> announced_;
  std::set<std::uint64_t> waiting_;  // files with a record or a line without its end
  std::set<std::uint64_t> missing_;  // files without a name that are not gone yet
  std::uint64_t free_from_ = 1;
  std::size_t open_ = 0;
  std::uint64_t bytes_read_ = 0;  // in this step
  std::uint64_t round_ = 0;
  std::uint64_t version_ = 0;

  Begin begin_ = Begin::Beginning;
  bool to_the_end_ = false;
  bool looked_ = false;      // in this object's life, or by the position
  bool say_looked_ = false;  // it is to be given away as a position
  bool any_committed_ = false;
  bool idle_said_ = false;
  bool look_due_ = true;
  TimePoint look_not_before_{};
  std::optional<TimePoint> look_again_;  // for a suspect
  TimePoint looked_at_{};
  TimePoint polled_at_{};
  Position last_;  // that was given away
};

}  // namespace syncd::jobs
