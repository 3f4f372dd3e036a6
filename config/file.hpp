// Reads one file of the configuration whole, with the permissions that it had when it was read.
#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>

namespace syncd::config {

// "No such file or directory", "is a directory", ...: without the path, which the caller knows.
class FileError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct FileContent {
  std::string text;
  unsigned mode = 0;  // the permission bits
  bool owned_by_root = false;
};

// Regular files of at most 16 MiB; never blocks on a pipe or device.  Throws FileError.
FileContent read_file(const std::filesystem::path& path);

}  // namespace syncd::config
