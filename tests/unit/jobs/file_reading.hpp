// Reading one file, as a test wants it: by which options, from where, in how large pieces.
#pragma once
#include <gtest/gtest.h>

#include <map>

#include "jobs/sources/file_reader.hpp"
#include "tests/support/temp_dir.hpp"

namespace syncd::jobs::test {

struct FileRow {
  std::string text;
  std::uint64_t offset = 0;
  std::string flags;
  std::string after;  // the position behind it
  bool operator==(const FileRow&) const = default;
};
inline void PrintTo(const FileRow& row, std::ostream* out) {
  *out << '"' << row.text.substr(0, 60) << "\" at " << row.offset << ' ' << row.flags;
}

// The text, its flags behind a slash.
inline std::vector<std::string> texts(const std::vector<FileRow>& rows) {
  std::vector<std::string> out;
  for (const FileRow& row : rows) out.push_back(row.flags.empty() ? row.text : row.text + "/" + row.flags);
  return out;
}

inline FilesOptions line_options() {
  FilesOptions options;
  options.contents = {FileColumn::Line, FileColumn::Offset, FileColumn::Flags};
  options.schema = std::make_shared<const Schema>(std::vector<std::string>{"line", "offset", "flags"});
  return options;
}

inline void append_rows(const Batch& batch, std::vector<FileRow>& out) {
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    FileRow found;
    found.text = batch.cell(row, 0).text();
    found.offset = std::stoull(std::string(batch.cell(row, 1).text()));
    found.flags = batch.cell(row, 2).text();
    found.after = batch.position_at(row + 1, Position()).text();
    out.push_back(std::move(found));
  }
}

class FileReading {
 public:
  explicit FileReading(const std::string& path, FilesOptions options = line_options())
      : options_(std::move(options)), multiline_(compile(options_.multiline)), path_(path) {
    FileHandle file = open_regular(path, false);
    EXPECT_TRUE(file);
    reader_ = FileReader::open(file, FileReader::Style{&options_, &multiline_, &interrupted_}, true);
    at_.path = path;
  }

  // Every row from the beginning, or from the position `from`.
  std::vector<FileRow> all(const std::string& from = "") {
    if (from.empty()) {
      reader_->start(false);
    } else {
      const FilePosition position = decode_file_position(from);
      const auto proven = reader_->prove(position.content);
      EXPECT_TRUE(proven.has_value()) << from;
      EXPECT_TRUE(proven && reader_->start(*proven));
    }
    std::vector<FileRow> rows;
    FileReader::Status status = FileReader::Status::More;
    while (status == FileReader::Status::More) status = read(rows, true);
    last_ = status;
    return rows;
  }

  // One batch.
  FileReader::Status read(std::vector<FileRow>& rows, bool all) {
    Batch batch(options_.schema, Position());
    const auto status = reader_->fill(batch, path_, all);
    take(batch, rows);
    return status;
  }
  void flush(std::vector<FileRow>& rows, bool partial_line) {
    Batch batch(options_.schema, Position());
    reader_->flush(batch, path_, partial_line);
    take(batch, rows);
  }

  FileReader& reader() { return *reader_; }
  FileReader::Status last() const { return last_; }

 private:
  void take(Batch& batch, std::vector<FileRow>& rows) {
    at_.content = reader_->content();
    batch.set_position(Position("1", encode(at_)));
    batch.set_row_positions(reader_->rows("1", at_));
    append_rows(batch, rows);
  }

  FilesOptions options_;
  Multiline multiline_;
  std::atomic<bool> interrupted_ = false;
  std::string path_;
  std::unique_ptr<FileReader> reader_;
  FilePosition at_;
  FileReader::Status last_ = FileReader::Status::More;
};

}  // namespace syncd::jobs::test
