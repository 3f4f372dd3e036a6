// FileReader: one open file, from its bytes to the rows of a batch.  It knows what it has read, not what a
// file is called; on a thread that may block.
#pragma once
#include <atomic>
#include <memory>
#include <string>

#include "jobs/batch.hpp"
#include "jobs/sources/file_bytes.hpp"
#include "jobs/sources/file_options.hpp"
#include "jobs/sources/file_position.hpp"
#include "jobs/sources/file_window.hpp"

namespace syncd::jobs {

// Lines that did not come out as they stand in the file.
struct FileCounts {
  std::uint64_t truncated = 0;
  std::uint64_t split = 0;  // pieces that go on in the next record
  std::uint64_t skipped = 0;
  std::uint64_t partial = 0;  // delivered without a delimiter
};

class FileReader {
 public:
  // What all files of a job are read by; outlives its readers.
  struct Style {
    const FilesOptions* options;
    const Multiline* multiline;
    const std::atomic<bool>* interrupted;
  };

  // nullptr, with `file` untouched: there is too little of it to know what it is.  `all`: no more will come.
  static std::unique_ptr<FileReader> open(FileHandle& file, const Style& style, bool all);

  // The beginning of the file as it is now: kHead bytes, or what there is.
  std::string sample();
  // The last of `content.marks` up to which the file is what was read; nullopt: it is another one.
  std::optional<Mark> prove(const Content& content);
  // Whether it has this many bytes.
  bool reaches(std::uint64_t size) { return size == 0 || !read_fully(size - 1, 1).empty(); }
  // The mark at `offset`; nullopt: it has not that many bytes.
  std::optional<Mark> mark_at(std::uint64_t offset);
  // The mark at the beginning of the last line that is not complete: everything before counts as read.  Of a
  // file that is not compressed only the first `size` bytes are looked at.
  Mark last_line(std::uint64_t size = kWhole);

  // What was read once the lines before this one were, from 1 on, and no other; nullopt: the file has fewer.
  // Lines are those that the delimiter ends.
  std::optional<Content> before_line(std::uint64_t number);

  // Reads from the beginning.  `after_truncation`: zeros there are the hole that a writer leaves who goes on
  // where he was.
  void start(bool after_truncation);
  // Reads from `mark` on, where a record begins.  False: what was read before is not there any more.
  bool start(const Mark& mark);

  static constexpr std::uint64_t kWhole = static_cast<std::uint64_t>(-1);

  enum class Status { More, End, Torn, Changed };
  // Appends rows until the batch is full, or there is nothing more.  `path` is what the column `file` says;
  // it outlives the batch, or is kept alive by it.  `all`: what comes without a delimiter at the end is a
  // record.
  Status fill(Batch& batch, std::string_view path, bool all);
  // Appends what waits for its end: a record that waits for its next line, and the line without a delimiter.
  void flush(Batch& batch, std::string_view path, bool partial_line);

  // Up to where everything was appended, dropped or skipped.
  std::uint64_t offset() const noexcept;
  // How far the file was read; behind offset() lies what waits.
  std::uint64_t read_to() const noexcept { return window_.end(); }
  bool record_waits() const noexcept { return assembler_ && assembler_->open(); }
  bool line_waits() const noexcept { return cutter_ && cutter_->begin() != window_.end(); }
  // The content that was read up to offset().
  Content content() const;
  // Positions between the rows of the batch that was filled last, once; `at` is the position behind them.
  std::shared_ptr<const RowPositions> rows(std::string partition, FilePosition at);

  // Gives memory back until there is more to read.
  void rest();
  std::size_t memory() const noexcept { return window_.capacity(); }
  const FileHandle& file() const noexcept { return bytes_->file(); }
  bool compressed() const noexcept { return bytes_->sequential(); }
  FileHandle release() noexcept { return bytes_->release(); }
  const FileCounts& counts() const noexcept { return counts_; }

 private:
  FileReader(std::unique_ptr<FileBytes> bytes, const Style& style);
  bool ready(bool all);
  void cut_from(std::uint64_t offset, Encoding encoding);
  void cut_lines(Batch& batch, std::string_view path);
  void cut_plain_lines(Batch& batch, std::string_view path);
  void deliver_waiting(Batch& batch, std::string_view path, bool partial_line);
  FileBytes::Status read_on();
  std::uint64_t keep() const noexcept;
  void take(Batch& batch, std::string_view path, const Record& record, bool partial);
  void push(Batch& batch, std::string_view path, std::uint64_t begin, std::uint64_t next, Cell line,
            std::string_view flags);
  bool full(const Batch& batch) const;
  void begin_batch();
  void end_batch(Batch& batch);
  std::string read_fully(std::uint64_t offset, std::size_t size);

  // The bytes of one block that the rows of a batch lie in.
  struct Piece {
    std::shared_ptr<char[]> block;
    const char* data;
    std::uint64_t begin;
    std::uint64_t end;
  };
  class Rows;

  Style style_;
  std::unique_ptr<FileBytes> bytes_;
  std::string sample_;  // of what was read, in the window's way
  bool hole_ = false;
  FileWindow window_;
  std::optional<Mark> anchor_;  // at offset(), once the window has lost it
  std::optional<LineFormat> format_;
  std::optional<LineCutter> cutter_;
  std::optional<RecordAssembler> assembler_;
  bool as_they_stand_ = false;  // each line is a record, in the bytes of the file
  FileCounts counts_;
  // Of the batch that is being filled.
  std::vector<std::uint64_t> ends_;
  std::vector<Piece> pieces_;
  std::size_t bytes_appended_ = 0;
  std::string scratch_;
};

}  // namespace syncd::jobs
