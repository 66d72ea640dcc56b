// Records what a program does to files, so that power_cut.py can tell what a disk may hold when the
// power fails. Loaded by LD_PRELOAD. What the C library does on its own (stdio) does not come by
// here: power_cut.py compares the record with the files that the program left.
//
//   MAXDOT_RECORD        the file of the record
//   MAXDOT_FAULTS_FROM   main: from the start; call: from when the program calls faults_begin()
//
// A record is `struct record`, then its names and its bytes. Files are told apart by device and inode. A call
// and its record happen under one lock, so that the order is that of the file system.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The same numbers as in disk.py.
enum kind {
  kind_create = 1,  // folder, name, inode
  kind_nameless,    // inode
  kind_size,        // inode, size
  kind_write,       // inode, offset, bytes
  kind_sync,        // inode, 1 if it is a folder
  kind_link,        // folder, name, inode
  kind_rename,      // folder, name, folder, name
  kind_unlink,      // folder, name
  kind_folder,      // folder, name, inode
  kind_told,        // bytes, on stdout
};

struct record {
  uint32_t kind;
  uint32_t name_bytes;
  uint32_t second_name_bytes;
  uint32_t reserved;
  uint64_t numbers[3];
  uint64_t bytes;
};

static int out = -1;
static bool begun = false;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

__attribute__((constructor)) static void set_up(void) {
  const char* file = getenv("MAXDOT_RECORD");
  const char* from = getenv("MAXDOT_FAULTS_FROM");
  if (file == NULL) return;
  out = (int)syscall(SYS_openat, AT_FDCWD, file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (out < 0) abort();  // the driver must not take this for "nothing happened"
  begun = from != NULL && strcmp(from, "main") == 0;
}

void faults_begin(void) { begun = out >= 0; }

static void note(enum kind kind, uint64_t a, uint64_t b, uint64_t c, const char* name,
                 const char* second, const void* bytes, size_t count) {
  const int before = errno;
  const struct record head = {
      (uint32_t)kind, (uint32_t)strlen(name), (uint32_t)strlen(second), 0, {a, b, c}, count};
  const struct iovec parts[] = {{(void*)&head, sizeof(head)},
                                {(void*)name, strlen(name)},
                                {(void*)second, strlen(second)},
                                {(void*)bytes, count}};
  const size_t all = sizeof(head) + strlen(name) + strlen(second) + count;
  if (syscall(SYS_writev, out, parts, 4) != (long)all) abort();
  errno = before;
}

static bool begin(void) {
  if (!begun) return false;
  pthread_mutex_lock(&order);
  return true;
}

static void end(bool recorded) {
  if (recorded) pthread_mutex_unlock(&order);
}

// As disk.py makes it.
static uint64_t identity(const struct stat* status) {
  return (uint64_t)status->st_ino ^ ((uint64_t)status->st_dev << 40);
}

// A name in its folder.
struct place {
  uint64_t folder;
  char name[256];
};

static struct place place_of(int folder, const char* path) {
  struct place found = {0, ""};
  const char* slash = strrchr(path, '/');
  char parent[4096] = ".";
  if (slash != NULL) {
    const size_t length = slash == path ? 1 : (size_t)(slash - path);
    if (length >= sizeof(parent)) return found;
    memcpy(parent, path, length);
    parent[length] = 0;
  }
  struct stat status;
  if (fstatat(folder, parent, &status, 0) == 0) found.folder = identity(&status);
  strncpy(found.name, slash == NULL ? path : slash + 1, sizeof(found.name) - 1);
  return found;
}

static uint64_t inode_of(int fd, mode_t type) {
  struct stat status;
  return fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type ? identity(&status) : 0;
}

static uint64_t inode_at(int folder, const char* path) {
  struct stat status;
  return fstatat(folder, path, &status, AT_SYMLINK_NOFOLLOW) == 0 ? identity(&status) : 0;
}

static int open_at(int folder, const char* path, int flags, mode_t mode) {
  const bool makes = (flags & (O_CREAT | O_TRUNC)) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
  const bool recorded = makes && begin();
  const bool there = recorded && inode_at(folder, path) != 0;
  const int fd = (int)syscall(SYS_openat, folder, path, flags, mode);
  const int before = errno;
  const uint64_t inode = recorded && fd >= 0 ? inode_of(fd, S_IFREG) : 0;
  if (inode != 0 && (flags & O_TMPFILE) == O_TMPFILE) {
    note(kind_nameless, inode, 0, 0, "", "", "", 0);
  } else if (inode != 0 && !there) {
    const struct place at = place_of(folder, path);
    note(kind_create, at.folder, inode, 0, at.name, "", "", 0);
  } else if (inode != 0 && (flags & O_TRUNC) != 0) {
    note(kind_size, inode, 0, 0, "", "", "", 0);
  }
  end(recorded);
  errno = before;
  return fd;
}

#define OPEN_AT(name)                                      \
  int name(int folder, const char* path, int flags, ...) { \
    va_list more;                                          \
    va_start(more, flags);                                 \
    const mode_t mode = va_arg(more, mode_t);              \
    va_end(more);                                          \
    return open_at(folder, path, flags, mode);             \
  }
#define OPEN(name)                               \
  int name(const char* path, int flags, ...) {   \
    va_list more;                                \
    va_start(more, flags);                       \
    const mode_t mode = va_arg(more, mode_t);    \
    va_end(more);                                \
    return open_at(AT_FDCWD, path, flags, mode); \
  }
OPEN_AT(openat)
OPEN_AT(openat64)
OPEN(open)
OPEN(open64)
int __open_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __open64_2(const char* path, int flags) { return open_at(AT_FDCWD, path, flags, 0); }
int __openat_2(int folder, const char* path, int flags) { return open_at(folder, path, flags, 0); }
int __openat64_2(int folder, const char* path, int flags) {
  return open_at(folder, path, flags, 0);
}

static ssize_t write_at(int fd, const void* data, size_t bytes, off_t offset, bool placed) {
  const bool recorded = begin();
  const uint64_t inode = recorded ? inode_of(fd, S_IFREG) : 0;
  if (inode != 0 && !placed) {
    const bool appends = (fcntl(fd, F_GETFL) & O_APPEND) != 0;
    offset = lseek(fd, 0, SEEK_CUR);
    struct stat status;
    if (appends && fstat(fd, &status) == 0) offset = status.st_size;
  }
  const ssize_t done =
      placed ? syscall(SYS_pwrite64, fd, data, bytes, offset) : syscall(SYS_write, fd, data, bytes);
  if (done > 0 && inode != 0) {
    note(kind_write, inode, (uint64_t)offset, 0, "", "", data, (size_t)done);
  } else if (recorded && done > 0 && fd == 1) {
    note(kind_told, 0, 0, 0, "", "", data, (size_t)done);
  }
  end(recorded);
  return done;
}

ssize_t write(int fd, const void* data, size_t bytes) {
  return write_at(fd, data, bytes, 0, false);
}
ssize_t pwrite(int fd, const void* data, size_t bytes, off_t offset) {
  return write_at(fd, data, bytes, offset, true);
}
ssize_t pwrite64(int fd, const void* data, size_t bytes, off_t offset) {
  return write_at(fd, data, bytes, offset, true);
}
// As much as one call may do.
ssize_t writev(int fd, const struct iovec* parts, int count) {
  for (int i = 0; i < count; ++i) {
    if (parts[i].iov_len != 0) return write_at(fd, parts[i].iov_base, parts[i].iov_len, 0, false);
  }
  return 0;
}

static int set_size(int fd, off_t size) {
  const bool recorded = begin();
  const uint64_t inode = recorded ? inode_of(fd, S_IFREG) : 0;
  const int result = (int)syscall(SYS_ftruncate, fd, size);
  if (result == 0 && inode != 0) note(kind_size, inode, (uint64_t)size, 0, "", "", "", 0);
  end(recorded);
  return result;
}
int ftruncate(int fd, off_t size) { return set_size(fd, size); }
int ftruncate64(int fd, off_t size) { return set_size(fd, size); }

static int sync_by(long call, int fd) {
  const bool recorded = begin();
  const int result = (int)syscall(call, fd);
  if (recorded && result == 0) {
    const uint64_t folder = inode_of(fd, S_IFDIR);
    note(kind_sync, folder != 0 ? folder : inode_of(fd, S_IFREG), folder != 0, 0, "", "", "", 0);
  }
  end(recorded);
  return result;
}
int fsync(int fd) { return sync_by(SYS_fsync, fd); }
int fdatasync(int fd) { return sync_by(SYS_fdatasync, fd); }

static int rename_at(int from_folder, const char* from, int to_folder, const char* to,
                     unsigned flags) {
  const bool recorded = begin();
  const int result = (int)syscall(SYS_renameat2, from_folder, from, to_folder, to, flags);
  if (recorded && result == 0) {
    const struct place old_place = place_of(from_folder, from);
    const struct place new_place = place_of(to_folder, to);
    note(kind_rename, old_place.folder, new_place.folder, 0, old_place.name, new_place.name, "", 0);
  }
  end(recorded);
  return result;
}
int rename(const char* from, const char* to) { return rename_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int renameat(int from_folder, const char* from, int to_folder, const char* to) {
  return rename_at(from_folder, from, to_folder, to, 0);
}
int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  return rename_at(from_folder, from, to_folder, to, flags);
}

static int link_at(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  const bool recorded = begin();
  const int result = (int)syscall(SYS_linkat, from_folder, from, to_folder, to, flags);
  if (recorded && result == 0) {
    const struct place at = place_of(to_folder, to);
    note(kind_link, at.folder, inode_at(to_folder, to), 0, at.name, "", "", 0);
  }
  end(recorded);
  return result;
}
int link(const char* from, const char* to) { return link_at(AT_FDCWD, from, AT_FDCWD, to, 0); }
int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) {
  return link_at(from_folder, from, to_folder, to, flags);
}

static int unlink_at(int folder, const char* path, int flags) {
  const bool recorded = begin();
  const struct place at = recorded ? place_of(folder, path) : (struct place){0, ""};
  const int result = (int)syscall(SYS_unlinkat, folder, path, flags);
  if (recorded && result == 0) note(kind_unlink, at.folder, 0, 0, at.name, "", "", 0);
  end(recorded);
  return result;
}
int unlink(const char* path) { return unlink_at(AT_FDCWD, path, 0); }
int unlinkat(int folder, const char* path, int flags) { return unlink_at(folder, path, flags); }
int rmdir(const char* path) { return unlink_at(AT_FDCWD, path, AT_REMOVEDIR); }

// C's, of which C++'s std::filesystem makes use.
int remove(const char* path) {
  if (unlink(path) == 0) return 0;
  return errno == EISDIR ? rmdir(path) : -1;
}

int mkdir(const char* path, mode_t mode) {
  const bool recorded = begin();
  const int result = (int)syscall(SYS_mkdirat, AT_FDCWD, path, mode);
  if (recorded && result == 0) {
    const struct place at = place_of(AT_FDCWD, path);
    note(kind_folder, at.folder, inode_at(AT_FDCWD, path), 0, at.name, "", "", 0);
  }
  end(recorded);
  return result;
}
