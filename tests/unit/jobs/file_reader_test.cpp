#include "jobs/sources/file_reader.hpp"

#include "tests/unit/jobs/file_reading.hpp"

namespace syncd::jobs {
namespace {

using namespace std::string_literals;
using Texts = std::vector<std::string>;
using test::FileReading;
using test::FileRow;
using test::texts;

class FileReaderTest : public ::testing::Test {
 protected:
  // The rows of `content`, which are the same in pieces of any size and from behind each of them.
  std::vector<FileRow> read(const std::string& content, FilesOptions options = test::line_options()) {
    const std::string path = dir_.write("file", content);
    const auto whole = FileReading(path, options).all();
    for (const std::size_t size : {1, 2, 3, 5, 7, 64}) {
      options.chunk_bytes = config::Bytes(size);
      EXPECT_EQ(FileReading(path, options).all(), whole) << "in pieces of " << size;
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
      const std::vector<FileRow> rest(whole.begin() + static_cast<std::ptrdiff_t>(i) + 1, whole.end());
      EXPECT_EQ(FileReading(path, options).all(whole[i].after), rest) << "behind row " << i;
    }
    return whole;
  }
  syncd::test::TempDir dir_;
};

TEST_F(FileReaderTest, CutsLines) {
  EXPECT_EQ(texts(read("one\ntwo\r\n\nthr\ree\nfour")), (Texts{"one", "two", "thr\ree", "four/partial"}));
  FilesOptions options = test::line_options();
  options.keep_blank = true;
  EXPECT_EQ(texts(read("\n\na\n", options)), (Texts{"", "", "a"}));
  options.delimiter = "\r\n";
  EXPECT_EQ(texts(read("a\nb\r\n\r\r\nc\r\n", options)), (Texts{"a\nb", "\r", "c"}));
  options.delimiter = "\0"s;
  EXPECT_EQ(texts(read("a\nb\0c\0"s, options)), (Texts{"a\nb", "c"}));
}

TEST_F(FileReaderTest, PassesOnWhatIsNoUtf8) {
  EXPECT_EQ(texts(read("\xFF\x80\n\xC3\n\0x\n"s)), (Texts{"\xFF\x80", "\xC3", "\0x"s}));
}

TEST_F(FileReaderTest, UnderstandsEncodings) {
  EXPECT_EQ(texts(read("\xEF\xBB\xBF"
                       "é\nb\n")),
            (Texts{"é", "b"}));
  EXPECT_EQ(texts(read("\xFF\xFE"
                       "a\0\x0A\x0A\r\0\n\0b\0\n\0"s)),
            (Texts{"a\u0A0A", "b"}));
  FilesOptions options = test::line_options();
  options.encoding = Encoding::Latin1;
  EXPECT_EQ(texts(read("caf\xE9\nx\n", options)), (Texts{"café", "x"}));
}

TEST_F(FileReaderTest, DealsWithLongLines) {
  FilesOptions options = test::line_options();
  options.max_line = config::Bytes(16);
  const std::string content = "0123456789abcdefX\n0123456789abcdef\r\nshort\n" + std::string(50, 'z') + "\n";
  EXPECT_EQ(texts(read(content, options)), (Texts{"0123456789abcdef/truncated", "0123456789abcdef", "short",
                                                  std::string(16, 'z') + "/truncated"}));
  options.on_long_line = LongLine::Skip;
  EXPECT_EQ(texts(read(content, options)), (Texts{"0123456789abcdef", "short"}));
  options.on_long_line = LongLine::Split;
  const std::string z = std::string(16, 'z') + "/split";
  EXPECT_EQ(texts(read(content, options)),
            (Texts{"0123456789abcdef/split", "X", "0123456789abcdef", "short", z, z, z, "zz"}));
}

TEST_F(FileReaderTest, JoinsTheLinesOfARecord) {
  FilesOptions options = test::line_options();
  options.multiline.emplace();
  options.multiline->starts = "^\\d";
  EXPECT_EQ(texts(read("1 a\n at\n at\n2 b\n3 c\n\tat\n", options)),
            (Texts{"1 a\n at\n at", "2 b", "3 c\n\tat"}));
  options.multiline->starts.reset();
  options.multiline->joins = "\\\\$";
  EXPECT_EQ(texts(read("a\\\nb\\\nc\nd\n", options)), (Texts{"a\\\nb\\\nc", "d"}));
}

TEST_F(FileReaderTest, NoticesThatWhatItReadIsGone) {
  const std::string path = dir_.write("file", "one\ntwo\n");
  FileReading reading(path);
  std::vector<FileRow> rows;
  reading.reader().start(false);
  EXPECT_EQ(reading.read(rows, false), FileReader::Status::End);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << "another text that is longer\n";
  EXPECT_EQ(reading.read(rows, false), FileReader::Status::Changed);
  EXPECT_EQ(texts(rows), (Texts{"one", "two"}));
}

}  // namespace
}  // namespace syncd::jobs
