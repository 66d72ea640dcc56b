// The system calls that tracer.c can choose, by name, and where their file is told.
#pragma once

#include <sys/syscall.h>

enum subject { by_descriptor, by_path, by_folder_path, by_nothing };

struct call {
  const char* name;
  long number;
  enum subject subject;  // what its first arguments name
};

static const struct call known[] = {
    {"open", SYS_open, by_path},
    {"openat", SYS_openat, by_folder_path},
    {"creat", SYS_creat, by_path},
    {"read", SYS_read, by_descriptor},
    {"pread64", SYS_pread64, by_descriptor},
    {"readv", SYS_readv, by_descriptor},
    {"preadv2", SYS_preadv2, by_descriptor},
    {"write", SYS_write, by_descriptor},
    {"pwrite64", SYS_pwrite64, by_descriptor},
    {"writev", SYS_writev, by_descriptor},
    {"fsync", SYS_fsync, by_descriptor},
    {"fdatasync", SYS_fdatasync, by_descriptor},
    {"close", SYS_close, by_descriptor},
    {"rename", SYS_rename, by_path},
    {"renameat", SYS_renameat, by_folder_path},
    {"renameat2", SYS_renameat2, by_folder_path},
    {"link", SYS_link, by_path},
    {"linkat", SYS_linkat, by_folder_path},
    {"unlink", SYS_unlink, by_path},
    {"unlinkat", SYS_unlinkat, by_folder_path},
    {"ftruncate", SYS_ftruncate, by_descriptor},
    {"fallocate", SYS_fallocate, by_descriptor},
    {"stat", SYS_stat, by_path},
    {"lstat", SYS_lstat, by_path},
    {"fstat", SYS_fstat, by_descriptor},
    {"newfstatat", SYS_newfstatat, by_folder_path},
    {"statx", SYS_statx, by_folder_path},
    {"flock", SYS_flock, by_descriptor},
    {"mkdir", SYS_mkdir, by_path},
    {"mkdirat", SYS_mkdirat, by_folder_path},
    {"getdents64", SYS_getdents64, by_descriptor},
    {"fchmod", SYS_fchmod, by_descriptor},
    {"fchown", SYS_fchown, by_descriptor},
    {"socket", SYS_socket, by_nothing},
    {"bind", SYS_bind, by_descriptor},
    {"listen", SYS_listen, by_descriptor},
    {"accept", SYS_accept, by_descriptor},
    {"accept4", SYS_accept4, by_descriptor},
    {"mmap", SYS_mmap, by_nothing},
};
enum { known_calls = sizeof(known) / sizeof(known[0]) };
