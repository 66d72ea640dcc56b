// The functions of the C library that the engine writes with, in its place.
#include "live/kill_points.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "support.hpp"

namespace maxdot::test {
namespace {

constexpr int kMostFiles = 1024;

std::mutex mutex;
// Under it:
std::uint64_t calls = 0;
std::uint64_t last_call = 0;
Loss loss = Loss::none;
std::uint64_t seed = 0;
off_t written[kMostFiles];  // of each descriptor: bytes, and those of them that are on the disk
off_t synced[kMostFiles];

// The disk keeps any part of what was not synced.
void lose() {
  Random random(seed + 1);
  for (int fd = 0; fd < kMostFiles; ++fd) {
    if (written[fd] <= synced[fd]) continue;
    const auto unsynced = static_cast<std::size_t>(written[fd] - synced[fd]);
    const off_t kept = synced[fd] + static_cast<off_t>(random.below(unsynced + 1));
    (void)syscall(SYS_ftruncate, fd, kept);
    if (random.below(2) == 0) (void)syscall(SYS_ftruncate, fd, written[fd]);  // zeros instead
  }
}

[[noreturn]] void end() {
  if (loss == Loss::unsynced) lose();
  _exit(kEndedAtCall);
}

/// Whether the process ends at this call. Holds the lock from then on.
bool ends_here(std::unique_lock<std::mutex>& lock) {
  lock = std::unique_lock(mutex);
  return ++calls == last_call;
}

/// Makes a system call that is counted.
template <typename... Arguments>
long counted(long number, Arguments... arguments) {
  std::unique_lock<std::mutex> lock;
  if (ends_here(lock)) end();
  return syscall(number, arguments...);
}

void note_synced(int fd) {
  if (fd >= 0 && fd < kMostFiles) synced[fd] = written[fd];
}

long sync(long number, int fd) {
  std::unique_lock<std::mutex> lock;
  if (ends_here(lock)) end();
  const long result = syscall(number, fd);
  if (result == 0) note_synced(fd);
  return result;
}

}  // namespace

void end_at_call(std::uint64_t call, Loss what, std::uint64_t with_seed) {
  const std::lock_guard lock(mutex);
  calls = 0;
  last_call = call;
  loss = what;
  seed = with_seed;
}

std::uint64_t calls_made() {
  const std::lock_guard lock(mutex);
  return calls;
}

}  // namespace maxdot::test

using maxdot::test::counted;

extern "C" {

ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  using namespace maxdot::test;
  std::unique_lock<std::mutex> lock;
  const bool last = ends_here(lock);
  if (last) bytes = Random(seed).below(bytes + 1);
  const ssize_t done = bytes == 0 ? 0 : syscall(SYS_pwrite64, fd, data, bytes, offset);
  if (done > 0 && fd < kMostFiles) {
    // What was there when the file was opened is on the disk.
    if (written[fd] == 0 || offset < synced[fd]) synced[fd] = offset;
    if (offset + done > written[fd]) written[fd] = offset + done;
  }
  if (last) end();
  return done;
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) {
  return pwrite(fd, data, bytes, offset);
}
int fsync(int fd) { return static_cast<int>(maxdot::test::sync(SYS_fsync, fd)); }
int fdatasync(int fd) { return static_cast<int>(maxdot::test::sync(SYS_fdatasync, fd)); }
int ftruncate(int fd, off_t size) {
  using namespace maxdot::test;
  std::unique_lock<std::mutex> lock;
  if (ends_here(lock)) end();
  const long result = syscall(SYS_ftruncate, fd, size);
  if (result == 0 && fd < kMostFiles) {
    // Again, what was there is on the disk.
    synced[fd] = written[fd] == 0 ? size : std::min(synced[fd], size);
    written[fd] = size;
  }
  return static_cast<int>(result);
}
int unlink(const char* path) noexcept { return static_cast<int>(counted(SYS_unlink, path)); }
int unlinkat(int folder, const char* path, int flags) noexcept {
  return static_cast<int>(counted(SYS_unlinkat, folder, path, flags));
}
int linkat(int from, const char* path, int to, const char* name, int flags) noexcept {
  return static_cast<int>(counted(SYS_linkat, from, path, to, name, flags));
}
int renameat(int from, const char* path, int to, const char* name) noexcept {
  return static_cast<int>(counted(SYS_renameat2, from, path, to, name, 0));
}
int rename(const char* from, const char* to) noexcept {
  return static_cast<int>(counted(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
int close(int fd) {
  using namespace maxdot::test;
  if (fd >= 0 && fd < kMostFiles) {
    const std::lock_guard lock(mutex);
    written[fd] = synced[fd] = 0;
  }
  return static_cast<int>(syscall(SYS_close, fd));
}

}  // extern "C"
