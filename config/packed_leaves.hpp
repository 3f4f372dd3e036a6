// PackedLeaves: what a table holds, in one piece of memory: ten thousand jobs are kept only to be compared
// with the next configuration.
#pragma once
#include "config/table.hpp"

namespace syncd::config {

class PackedLeaves {
 public:
  PackedLeaves() = default;
  explicit PackedLeaves(const Leaves& leaves);

  Leaves unpacked() const;

 private:
  Secret text_;  // keys and values in turn, each as LENGTH:TEXT
};

}  // namespace syncd::config
