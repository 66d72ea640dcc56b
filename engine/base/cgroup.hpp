// The CPU quota and the memory that control groups and the machine leave to this process. Linux;
// elsewhere nothing is found and nothing limits.
#pragma once

#include <string>

namespace maxdot::base {

/// CPUs that the process's own group and its ancestors grant, the least of them; infinity without a
/// limit. Reads `root`/proc/self/cgroup and below `root`/sys/fs/cgroup, version 2 and the cpu
/// controller of version 1; `root` is empty but in tests. What cannot be read or understood limits
/// nothing.
double cgroup_cpus(const std::string& root) noexcept;

/// Bytes that the group and its ancestors leave to this process, the least of them; what they hold
/// of files counts as free. Infinity without a limit. As cgroup_cpus, with the memory controller.
double cgroup_free_bytes(const std::string& root) noexcept;

/// Bytes that can be taken without others having to give theirs back: what the kernel estimates
/// (MemAvailable of `root`/proc/meminfo), cut to cgroup_free_bytes and to what the process may take
/// (ulimit -v). Infinity where none is known.
double free_bytes(const std::string& root) noexcept;

}  // namespace maxdot::base
