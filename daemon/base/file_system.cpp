#include "daemon/base/file_system.hpp"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace syncd {

bool on_network(const std::string& folder) {
  // Not all of them are in linux/magic.h.
  static constexpr std::array<std::uint32_t, 13> kNetworks = {NFS_SUPER_MAGIC,
                                                              SMB_SUPER_MAGIC,
                                                              0xFF534D42 /* CIFS */,
                                                              0xFE534D42 /* SMB2 */,
                                                              0x65735546 /* FUSE */,
                                                              V9FS_MAGIC,
                                                              AFS_SUPER_MAGIC,
                                                              0x00C36400 /* Ceph */,
                                                              0x0BD00BD0 /* Lustre */,
                                                              0x01161970 /* GFS2 */,
                                                              0x7461636F /* OCFS2 */,
                                                              0x47504653 /* GPFS */,
                                                              0x6B414653 /* kAFS */};
  struct statfs about {};
  if (::statfs(folder.c_str(), &about) != 0) return false;
  const auto type = static_cast<std::uint32_t>(about.f_type);
  return std::find(kNetworks.begin(), kNetworks.end(), type) != kNetworks.end();
}

}  // namespace syncd
