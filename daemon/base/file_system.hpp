// What is special about where a file is.
#pragma once
#include <string>

namespace syncd {

// True where other machines may have a part in it: NFS, SMB, FUSE and their like.  Changes may come without
// an event, and each call may take long.
bool on_network(const std::string& folder);

}  // namespace syncd
