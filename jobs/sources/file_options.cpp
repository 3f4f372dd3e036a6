#include "jobs/sources/file_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "config/suggest.hpp"
#include "jobs/sources/file_glob.hpp"

namespace syncd::jobs {
namespace {

constexpr std::pair<std::string_view, FileColumn> kColumns[] = {{"line", FileColumn::Line},
                                                                {"file", FileColumn::File},
                                                                {"offset", FileColumn::Offset},
                                                                {"flags", FileColumn::Flags}};

std::optional<std::string> wrong_pattern(const std::string& pattern) {
  try {
    const Pattern compiled(pattern);
    return std::nullopt;
  } catch (const config::ValueError& error) {
    return fmt::format("is no pattern: {}", error.what());
  }
}

std::optional<std::string> wrong_globs(const std::vector<std::string>& globs) {
  for (const std::string& glob : globs) {
    try {
      const Glob parsed(glob);
    } catch (const config::ValueError& error) {
      return fmt::format("has {}, which {}", config::quoted(glob), error.what());
    }
  }
  return std::nullopt;
}

const config::Fields<MultilineOptions>& multiline_fields() {
  using namespace std::chrono_literals;
  using O = MultilineOptions;
  static const auto all =
      config::Fields<O>()
          .add("starts", &O::starts, "a line that this pattern is found in begins a record")
          .example("^\\\\d{4}-")
          .check(&wrong_pattern)
          .add("continues", &O::continues, "a line that this pattern is found in belongs to the one before")
          .example("^\\\\s")
          .check(&wrong_pattern)
          .add("ends", &O::ends, "a line that this pattern is found in ends its record")
          .check(&wrong_pattern)
          .add("joins", &O::joins, "a line that this pattern is found in goes on in the next one")
          .example("\\\\\\\\$")
          .check(&wrong_pattern)
          .add("timeout", &O::timeout,
               "how long a record waits for its next line, in a file that is followed")
          .range(1ms, 1h);
  return all;
}

void check_columns(const config::Table& table, FilesOptions& options) {
  if (table.refused("columns")) return;
  std::set<std::string> seen;
  std::vector<ColumnKind> kinds;
  for (const std::string& name : options.columns) {
    const auto known = std::find_if(std::begin(kColumns), std::end(kColumns),
                                    [&](const auto& column) { return column.first == name; });
    if (known == std::end(kColumns)) {
      table.fail("columns", config::unknown_text("column", name, {"line", "file", "offset", "flags"}));
      return;
    }
    if (!seen.insert(name).second) table.fail("columns", fmt::format("names {} twice", config::quoted(name)));
    options.contents.push_back(known->second);
    kinds.push_back(known->second == FileColumn::Offset ? ColumnKind::Number : ColumnKind::Text);
  }
  options.schema = std::make_shared<const Schema>(options.columns, std::move(kinds));
}

void check_options(const config::Table& table, FilesOptions& options, const PlanContext& context) {
  const bool continuous = context.job.schedule == "continuous";
  options.follow = options.mode.value_or(continuous ? FileMode::Follow : FileMode::Read) == FileMode::Follow;
  if (continuous && !options.follow) {
    table.fail("mode",
               "\"read\" comes to an end, and the job is continuous: use \"follow\", or another schedule");
  }
  if (options.multiline && !table.refused("multiline")) {
    const auto& patterns = *options.multiline;
    const int given = (patterns.starts ? 1 : 0) + (patterns.continues ? 1 : 0) + (patterns.ends ? 1 : 0) +
                      (patterns.joins ? 1 : 0);
    if (given != 1) table.fail("multiline", "needs exactly one of starts, continues, ends, joins");
  }
  check_columns(table, options);
}

// Absolute, without "." and doubled slashes; a name without a slash in `exclude` stays one.
void make_absolute(std::vector<std::string>& globs, const std::filesystem::path& folder, bool names) {
  for (std::string& glob : globs) {
    if (glob.starts_with('/') || (names && glob.find('/') == std::string::npos)) continue;
    glob = (std::filesystem::absolute(folder) / glob).string();
  }
}

}  // namespace

const config::Fields<FilesOptions>& files_fields() {
  using namespace std::chrono_literals;
  using O = FilesOptions;
  static const auto all =
      config::Fields<O>()
          .required(
              "paths", &O::paths,
              "what to read: paths with *, ?, [a-z], {a,b} and ** for any folders; a relative one begins "
              "at the folder of this file; a wildcard leaves hidden names alone")
          .example("/var/log/nginx/*.log*")
          .check([](const std::vector<std::string>& paths) {
            return paths.empty() ? "must name at least one file" : wrong_globs(paths);
          })
          .add("exclude", &O::exclude, "what to leave out; a pattern without a slash looks at the name only")
          .example("*.tmp")
          .check(&wrong_globs)
          .add("mode", &O::mode,
               "read: each file to its end; follow: wait for more, and for more files, as long as the job "
               "runs. "
               "Default: follow where the schedule is continuous")
          .add("start_at", &O::start_at,
               "where a job without a checkpoint begins; checkpoint: nowhere, it halts. Files that appear "
               "later "
               "are read from their beginning")
          .add("columns", &O::columns,
               "what to deliver: line, file (the path under which it was first seen), offset (of the line in "
               "the "
               "file, decompressed), flags (truncated, split or partial; NULL for a line as it stands)")
          .example("file")
          .check([](const std::vector<std::string>& columns) -> std::optional<std::string> {
            if (columns.empty()) return "must name at least one column";
            return std::nullopt;
          })
          .add("delimiter", &O::delimiter, "what ends a line; default: \\n, with or without a \\r before it")
          .example("\\u0000")
          .check([](const std::string& delimiter) -> std::optional<std::string> {
            if (delimiter.empty() || delimiter.size() > 64) return "must have 1 to 64 bytes";
            return std::nullopt;
          })
          .add("encoding", &O::encoding,
               "auto: as the byte-order mark says, else UTF-8; what is delivered is UTF-8")
          .add("trim", &O::trim, "drop white space at both ends of a record")
          .add("keep_blank", &O::keep_blank, "deliver empty lines too")
          .add("max_line", &O::max_line, "size of a record at most")
          .range(config::Bytes(16), config::Bytes::mib(1024))
          .add("on_long_line", &O::on_long_line,
               "what is done about a longer one: deliver its beginning, or pieces, or leave it out")
          .add("partial_line_timeout", &O::partial_line_timeout,
               "deliver a last line without a delimiter after this time; default: wait for the delimiter")
          .range(1ms, 24h)
          .add("multiline", &O::multiline, multiline_fields(), "which lines make one record")
          .add("compression", &O::compression, "auto: as the first bytes say")
          .add("follow_symlinks", &O::follow_symlinks,
               "read what symbolic links point to; whoever may write there chooses what is read")
          .add("max_open_files", &O::max_open_files, "files that are open at a time; others take turns")
          .range(1, 1'000'000)
          .add("chunk_bytes", &O::chunk_bytes, "read at a time")
          .range(config::Bytes(1), config::Bytes::mib(16))
          .add("batch_rows", &O::batch_rows, "records of a batch at most")
          .range(1, 1'000'000)
          .add("poll", &O::poll,
               "how often files are looked at where changes bring no event: on network file systems")
          .range(10ms, 1h)
          .add("forget_after", &O::forget_after, "how long the position of a file that is gone is kept")
          .range(1min, 24h * 365);
  return all;
}

FilesOptions read_files_options(const config::Table& table, const PlanContext& context) {
  FilesOptions options;
  files_fields().read(table, options);
  check_options(table, options, context);
  make_absolute(options.paths, table.directory(), false);
  make_absolute(options.exclude, table.directory(), true);
  options.state_dir = context.config.daemon.state_dir;
  return options;
}

Multiline compile(const std::optional<MultilineOptions>& options) {
  Multiline multiline;
  const auto set = [](std::optional<Pattern>& pattern, const std::optional<std::string>& text) {
    if (text) pattern.emplace(*text);
  };
  if (!options) return multiline;
  set(multiline.starts, options->starts);
  set(multiline.continues, options->continues);
  set(multiline.ends, options->ends);
  set(multiline.joins, options->joins);
  return multiline;
}

}  // namespace syncd::jobs
