// TempDir: a folder that goes away with the object.  Its path is short, for Unix sockets (108 bytes), and
// other users may pass through it: PostgreSQL does not run as root.
#pragma once
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace syncd::test {

class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp") {
    remove_what_dead_tests_left(parent);
    std::string name = parent + "/syncd-test." + std::to_string(::getpid()) + ".XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed: " + name);
    path_ = name;
    ::chmod(path_.c_str(), 0711);
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  std::string operator/(std::string_view name) const { return (path_ / name).string(); }

  // Writes a file, with the folders on its way; returns its path.
  std::string write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }

 private:
  // Folders of tests that were killed some time ago.
  static void remove_what_dead_tests_left(const std::string& parent) {
    static std::set<std::string> done;
    if (!done.insert(parent).second) return;
    std::error_code ignored;
    const auto recent = std::filesystem::file_time_type::clock::now() - std::chrono::minutes(10);
    for (const auto& entry : std::filesystem::directory_iterator(parent, ignored)) {
      int pid = 0;
      const std::string name = entry.path().filename();
      if (std::sscanf(name.c_str(), "syncd-test.%d.", &pid) != 1 || entry.last_write_time(ignored) > recent)
        continue;
      if (::kill(pid, 0) != 0 && errno == ESRCH) std::filesystem::remove_all(entry.path(), ignored);
    }
  }

  std::filesystem::path path_;
};

// The whole file; "" when there is none.
inline std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

}  // namespace syncd::test
