#include "jobs/sources/file_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace syncd::jobs {
namespace {

constexpr std::size_t kBatchBytes = 1024 * 1024;
// Read for one batch at most, where nearly all of it is dropped.
constexpr std::uint64_t kMostRead = 4 * 1024 * 1024;
constexpr std::size_t kLongestMark = 3;  // of byte order

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\v\f";
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) + 1 - first);
}

}  // namespace

// The rows of one batch, and where each ends in the file.
class FileReader::Rows final : public RowPositions {
 public:
  Rows(std::string partition, FilePosition at, std::string sample, std::vector<std::uint64_t> ends,
       std::vector<Piece> pieces)
      : partition_(std::move(partition)),
        at_(std::move(at)),
        sample_(std::move(sample)),
        ends_(std::move(ends)),
        pieces_(std::move(pieces)) {}

  Position after(std::size_t row) const override {
    const std::uint64_t offset = ends_[row];
    const auto piece = std::lower_bound(pieces_.begin(), pieces_.end(), offset,
                                        [](const Piece& p, std::uint64_t wanted) { return p.end < wanted; });
    const std::uint64_t from = offset - mark_size(offset);
    const std::string_view bytes(piece->data + (from - piece->begin), offset - from);
    FilePosition position = at_;
    if (offset < sample_.size()) position.content.head = head_of(sample_, offset);
    position.content.marks = {Mark{offset, print_of(bytes)}};
    return Position(partition_, encode(position));
  }

 private:
  std::string partition_;
  FilePosition at_;
  std::string sample_;
  std::vector<std::uint64_t> ends_;
  std::vector<Piece> pieces_;
};

// --- opening -------------------------------------------------------------------------------------------

std::unique_ptr<FileReader> FileReader::open(FileHandle& file, const Style& style, bool all) {
  auto bytes = open_bytes(file, style.options->compression, all, *style.interrupted);
  if (!bytes) return nullptr;
  return std::unique_ptr<FileReader>(new FileReader(std::move(bytes), style));
}

FileReader::FileReader(std::unique_ptr<FileBytes> bytes, const Style& style)
    : style_(style), bytes_(std::move(bytes)) {}

// --- starting ------------------------------------------------------------------------------------------

void FileReader::start(bool after_truncation) {
  sample_.clear();
  anchor_.reset();
  cutter_.reset();
  assembler_.reset();
  hole_ = after_truncation && unit_size(style_.options->encoding) == 1 &&
          style_.options->delimiter != std::string(1, '\0');
  window_ = FileWindow();
}

bool FileReader::start(const Mark& mark) {
  if (mark.offset == 0) {
    start(false);
    return true;
  }
  sample_ = sample().substr(0, std::min<std::uint64_t>(mark.offset, kHead));
  const std::uint64_t size = mark_size(mark.offset);
  const std::string before = read_fully(mark.offset - size, size);
  if (before.size() != size || print_of(before) != mark.value) return false;
  hole_ = false;
  anchor_.reset();
  window_ = FileWindow(mark.offset, before);
  cut_from(mark.offset, detect(style_.options->encoding, sample_, true)->encoding);
  return true;
}

void FileReader::cut_from(std::uint64_t offset, Encoding encoding) {
  const FilesOptions& options = *style_.options;
  format_.emplace(encoding, options.delimiter, options.max_line.count(), options.on_long_line);
  cutter_.emplace(*format_, offset);
  assembler_.emplace(*format_, *style_.multiline);
  as_they_stand_ = style_.multiline->off() && !options.trim && encoding == Encoding::Utf8;
}

// Whether it is known how the file begins.
bool FileReader::ready(bool all) {
  if (cutter_) return true;
  std::uint64_t begin = window_.begin();
  if (hole_) {
    const std::string_view bytes = window_.bytes(begin, window_.end());
    const std::size_t zeros = std::min(bytes.find_first_not_of('\0'), bytes.size());
    begin += zeros;
    if (begin == window_.end() && !all) return false;
    if (begin != 0) {
      cut_from(begin, detect(style_.options->encoding, {}, true)->encoding);
      return true;
    }
  }
  const std::string_view head = window_.bytes(0, std::min<std::uint64_t>(kLongestMark, window_.end()));
  const auto detected = detect(style_.options->encoding, head, all);
  if (detected) cut_from(detected->mark, detected->encoding);
  return detected.has_value();
}

// --- reading -------------------------------------------------------------------------------------------

FileReader::Status FileReader::fill(Batch& batch, std::string_view path, bool all) {
  begin_batch();
  const std::uint64_t most = window_.end() + kMostRead;
  Status status = Status::More;
  while (status == Status::More) {
    if (ready(false)) cut_lines(batch, path);
    if (full(batch) || window_.end() >= most) break;
    switch (read_on()) {
      case FileBytes::Status::Ok:
        break;
      case FileBytes::Status::End:
        status = Status::End;
        break;
      case FileBytes::Status::Torn:
        status = Status::Torn;
        break;
      case FileBytes::Status::Changed:
        status = Status::Changed;
        break;
    }
  }
  if (status == Status::End && all) {
    if (ready(true)) cut_lines(batch, path);
    deliver_waiting(batch, path, true);
  }
  end_batch(batch);
  return status;
}

void FileReader::cut_lines(Batch& batch, std::string_view path) {
  while (!full(batch)) {
    if (as_they_stand_) cut_plain_lines(batch, path);
    if (full(batch)) return;
    const auto line = cutter_->next(window_);
    if (!line) {
      if (cutter_->overlong()) assembler_->stash(window_);
      return;
    }
    assembler_->add(*line, window_, [&](const Record& record) { take(batch, path, record, false); });
  }
}

// What most lines are: this is what reading costs.
void FileReader::cut_plain_lines(Batch& batch, std::string_view path) {
  const std::vector<FileColumn>& contents = style_.options->contents;
  const bool alone = contents.size() == 1 && contents.front() == FileColumn::Line;
  const bool keep_blank = style_.options->keep_blank;
  cutter_->each_plain(window_, [&](const Line& line) {
    if (line.text.empty() && !keep_blank) return true;
    bytes_appended_ += line.text.size();
    if (alone) {
      batch.push_row(Cell(line.text));
      ends_.push_back(line.next);
    } else {
      push(batch, path, line.begin, line.next, Cell(line.text), {});
    }
    return !full(batch);
  });
}

FileBytes::Status FileReader::read_on() {
  if (cutter_ && keep() > offset() && (!anchor_ || anchor_->offset != offset())) {
    anchor_ = window_.mark(offset());
  }
  const auto room = window_.room(style_.options->chunk_bytes.count(), keep());
  const std::uint64_t from = std::max(window_.begin(), window_.end() - mark_size(window_.end()));
  const auto read = bytes_->read(room, window_.end(), window_.bytes(from, window_.end()));
  window_.filled(read.size);
  if (read.size != 0 && sample_.size() < kHead) {
    const std::uint64_t to = std::min<std::uint64_t>(window_.end(), kHead);
    if (window_.begin() <= sample_.size()) sample_ += window_.bytes(sample_.size(), to);
  }
  if (pieces_.empty() || pieces_.back().block != window_.block()) {
    pieces_.push_back(Piece{window_.block(), window_.at(window_.begin()), window_.begin(), window_.end()});
  } else {
    pieces_.back().end = window_.end();
  }
  return read.status;
}

void FileReader::flush(Batch& batch, std::string_view path, bool partial_line) {
  begin_batch();
  if (ready(partial_line)) deliver_waiting(batch, path, partial_line);
  end_batch(batch);
}

void FileReader::deliver_waiting(Batch& batch, std::string_view path, bool partial_line) {
  if (!cutter_) return;
  bool partial = false;
  const auto taken = [&](const Record& record) { take(batch, path, record, partial); };
  while (partial_line) {
    const auto line = cutter_->rest(window_);
    if (!line) break;
    // A piece of a split line is no partial one: only the last piece is.
    partial = line->cut != Cut::Split;
    assembler_->add(*line, window_, taken);
  }
  assembler_->flush(window_, taken);
}

void FileReader::take(Batch& batch, std::string_view path, const Record& record, bool partial) {
  std::string_view flags;
  switch (record.cut) {
    case Cut::Skipped:
      ++counts_.skipped;
      return;
    case Cut::Truncated:
      ++counts_.truncated;
      flags = "truncated";
      break;
    case Cut::Split:
      ++counts_.split;
      flags = "split";
      break;
    case Cut::None:
      if (partial) flags = "partial";
      break;
  }
  std::string_view text = record.text;
  bool in_window = record.in_window;
  if (!is_utf8_already(format_->encoding, text)) {
    scratch_.clear();
    append_utf8(format_->encoding, text, scratch_);
    text = scratch_;
    in_window = false;
  }
  if (style_.options->trim) text = trimmed(text);
  if (text.empty() && !style_.options->keep_blank) return;
  if (partial) ++counts_.partial;
  bytes_appended_ += text.size();
  push(batch, path, record.begin, record.next, Cell(in_window ? text : batch.store(text)), flags);
}

void FileReader::push(Batch& batch, std::string_view path, std::uint64_t begin, std::uint64_t next, Cell line,
                      std::string_view flags) {
  for (const FileColumn column : style_.options->contents) {
    switch (column) {
      case FileColumn::Line:
        batch.push(line);
        break;
      case FileColumn::File:
        batch.push(Cell(path));
        break;
      case FileColumn::Offset:
        batch.push_copy(fmt::format_int(begin).c_str());
        break;
      case FileColumn::Flags:
        if (flags.empty()) {
          batch.push_null();
        } else {
          batch.push(Cell(flags));
        }
        break;
    }
  }
  ends_.push_back(next);
}

bool FileReader::full(const Batch& batch) const {
  return batch.rows() >= style_.options->batch_rows || bytes_appended_ >= kBatchBytes;
}

void FileReader::begin_batch() {
  ends_.clear();
  pieces_.clear();
  bytes_appended_ = 0;
  if (!window_.block()) return;
  pieces_.push_back(Piece{window_.block(), window_.at(window_.begin()), window_.begin(), window_.end()});
}

void FileReader::end_batch(Batch& batch) {
  if (batch.empty()) return;
  for (const Piece& piece : pieces_) batch.keep_alive(piece.block);
}

// --- where it stands -----------------------------------------------------------------------------------

std::uint64_t FileReader::keep() const noexcept {
  if (!cutter_) return hole_ ? window_.end() : window_.begin();
  return assembler_->keep(cutter_->keep());
}

std::uint64_t FileReader::offset() const noexcept {
  if (!cutter_) return 0;
  return assembler_->open() ? assembler_->begin() : cutter_->begin();
}

Content FileReader::content() const {
  Content content;
  const std::uint64_t at = offset();
  if (at == 0) return content;
  content.head = head_of(sample_, at);
  content.marks = {anchor_ && anchor_->offset == at ? *anchor_ : window_.mark(at)};
  return content;
}

std::shared_ptr<const RowPositions> FileReader::rows(std::string partition, FilePosition at) {
  const bool within_head = !ends_.empty() && ends_.front() < sample_.size();
  return std::make_shared<Rows>(std::move(partition), std::move(at), within_head ? sample_ : std::string(),
                                std::move(ends_), std::move(pieces_));
}

void FileReader::rest() {
  pieces_.clear();
  if (cutter_ && keep() > offset() && (!anchor_ || anchor_->offset != offset())) {
    anchor_ = window_.mark(offset());
  }
  window_.shrink(keep());
}

}  // namespace syncd::jobs
