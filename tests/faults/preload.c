// Makes the n-th allocation of a program fail, or the n-th start of a thread. Loaded by LD_PRELOAD.
//
// System calls are left to tracer.c, because most of them never come by here: what the C library
// opens, reads and writes on its own (fopen, opendir, stdio) does not pass through symbols that can
// be replaced. Allocations and threads do, and are no system calls of their own.
//
//   MAXDOT_FAULTS_KIND   memory (NULL, ENOMEM) or thread (EAGAIN); not set: nothing fails
//   MAXDOT_FAULTS_AT     which call fails, from 1; 0 for none
//   MAXDOT_FAULTS_LASTS  1: every later one, too
//   MAXDOT_FAULTS_COUNT  file of two 64-bit numbers, kept up to date: calls, and how many failed.
//                        A file that is mapped is whole however the program ends
//   MAXDOT_FAULTS_FROM   main: count from the start of main; call: from when the program calls
//                        faults_begin(), which Python scripts do when all is imported
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mark.h"

// What glibc's functions are called when they are replaced.
extern void* __libc_malloc(size_t bytes);
extern void* __libc_calloc(size_t count, size_t bytes);
extern void* __libc_realloc(void* old, size_t bytes);
extern void* __libc_memalign(size_t alignment, size_t bytes);

enum kind { kind_none, kind_memory, kind_thread };

static enum kind kind = kind_none;
static uint64_t at = 0;
static bool lasts = false;
static bool begun = false;
static uint64_t unseen[2];
static uint64_t* counts = unseen;  // calls, failures

static bool is(const char* name, const char* value) {
  const char* found = getenv(name);
  return found != NULL && strcmp(found, value) == 0;
}

__attribute__((constructor)) static void set_up(void) {
  const char* number = getenv("MAXDOT_FAULTS_AT");
  const char* file = getenv("MAXDOT_FAULTS_COUNT");
  if (number != NULL) at = strtoull(number, NULL, 10);
  lasts = is("MAXDOT_FAULTS_LASTS", "1");
  if (file != NULL) {
    const int fd = open(file, O_RDWR | O_CLOEXEC);
    void* mapped = mmap(NULL, sizeof(unseen), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) abort();  // the driver must not take this for "no calls"
    counts = mapped;
    close(fd);
  }
  if (is("MAXDOT_FAULTS_KIND", "memory")) kind = kind_memory;
  if (is("MAXDOT_FAULTS_KIND", "thread")) kind = kind_thread;
}

// A place for a breakpoint of a debugger: who asked?
__attribute__((noinline)) static void note_failure(void) {
  __atomic_fetch_add(&counts[1], 1, __ATOMIC_RELAXED);
}

static bool fails(enum kind asked) {
  if (!__atomic_load_n(&begun, __ATOMIC_RELAXED) || kind != asked) return false;
  const uint64_t call = __atomic_add_fetch(&counts[0], 1, __ATOMIC_RELAXED);
  if (at == 0 || (lasts ? call < at : call != at)) return false;
  note_failure();
  return true;
}

static bool out_of_memory(void) {
  if (!fails(kind_memory)) return false;
  errno = ENOMEM;
  return true;
}

void faults_begin(void) {
  // tracer.c waits for this call, which the system refuses.
  const int before = errno;
  (void)syscall(SYS_prctl, FAULTS_MARK, 0, 0, 0, 0);
  errno = before;
  __atomic_store_n(&begun, true, __ATOMIC_RELAXED);
}

void* malloc(size_t bytes) { return out_of_memory() ? NULL : __libc_malloc(bytes); }

void* calloc(size_t count, size_t bytes) {
  return out_of_memory() ? NULL : __libc_calloc(count, bytes);
}

void* realloc(void* old, size_t bytes) {
  return out_of_memory() ? NULL : __libc_realloc(old, bytes);
}

void* memalign(size_t alignment, size_t bytes) {
  return out_of_memory() ? NULL : __libc_memalign(alignment, bytes);
}

void* aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void** out, size_t alignment, size_t bytes) {
  void* made = fails(kind_memory) ? NULL : __libc_memalign(alignment, bytes);
  if (made == NULL) return ENOMEM;
  *out = made;
  return 0;
}

// gRPC waits for ever for a thread of its own that did not start: that is not maxdot's to mend.
static bool is_grpc(const void* caller) {
  Dl_info found;
  return dladdr(caller, &found) != 0 && found.dli_fname != NULL &&
         strstr(found.dli_fname, "/libgpr.so") != NULL;
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*run)(void*),
                   void* argument) {
  typedef int (*function)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  if (!is_grpc(__builtin_return_address(0)) && fails(kind_thread)) return EAGAIN;
  function real;
  *(void**)&real = dlsym(RTLD_NEXT, "pthread_create");
  return real(thread, attributes, run, argument);
}

typedef int (*main_function)(int, char**, char**);

static main_function program;

static int counted_main(int argc, char** argv, char** environment) {
  faults_begin();
  return program(argc, argv, environment);
}

int __libc_start_main(main_function main, int argc, char** argv, void (*init)(void),
                      void (*fini)(void), void (*rtld_fini)(void), void* stack_end) {
  typedef int (*function)(main_function, int, char**, void (*)(void), void (*)(void),
                          void (*)(void), void*);
  function real;
  *(void**)&real = dlsym(RTLD_NEXT, "__libc_start_main");
  program = main;
  const bool from_main = is("MAXDOT_FAULTS_FROM", "main");
  return real(from_main ? counted_main : main, argc, argv, init, fini, rtld_fini, stack_end);
}
