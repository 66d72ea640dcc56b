// The CPU quota that control groups leave to this process. Linux; elsewhere nothing is found and
// nothing limits.
#pragma once

#include <string>

namespace maxdot::base {

/// CPUs that the process's own group and its ancestors grant, the least of them; infinity without a
/// limit. Reads `root`/proc/self/cgroup and below `root`/sys/fs/cgroup, version 2 and the cpu
/// controller of version 1; `root` is empty but in tests. What cannot be read or understood limits
/// nothing.
double cgroup_cpus(const std::string& root) noexcept;

}  // namespace maxdot::base
