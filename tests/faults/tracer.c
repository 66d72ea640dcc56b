// Runs a program, and at the n-th system call of one kind fails the call, cuts it short, or kills
// the program. Linux on x86-64.
//
//   tracer --calls NAME,NAME --at N [--error ERRNO | --short | --kill | --tear] [--lasts]
//          [--creating] [--files] --report FILE -- PROGRAM ARGUMENT...
//
// Why not `strace -e inject`: it counts the calls of each thread apart, so that "the n-th" is one
// call of every thread; and it cannot wait for the mark that says that main has begun (mark.h).
//
// --creating: only opens that may make a file. --files: no calls on descriptors of pipes, sockets,
// eventfd, ..., which the system does not fail in such ways.
//
// The report is one JSON object: how many calls there were after the mark, whether the fault came,
// at which call, of which file, and how the program ended.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "asked.h"
#include "calls.h"
#include "mark.h"

#ifndef __x86_64__
#error "tracer.c knows the registers of x86-64 only"
#endif

static struct asked asked;

static pid_t main_process = 0;
static bool begun = false;
static unsigned long long calls = 0;
static bool fired = false;
static const struct call* fired_call = NULL;
static long long fired_descriptor = -1;
static char fired_about[512] = "";

static void stop_because(const char* what) {
  fprintf(stderr, "tracer: %s: %s\n", what, strerror(errno));
  exit(99);
}

// The file of the descriptor that a call names, with its end. Returns its length, or -1.
static ssize_t file_of(pid_t thread, const struct user_regs_struct* registers, char* name,
                       size_t bytes) {
  char link[64];
  snprintf(link, sizeof(link), "/proc/%d/fd/%lld", thread, (long long)registers->rdi);
  const ssize_t length = readlink(link, name, bytes - 1);
  name[length < 0 ? 0 : length] = 0;
  return length;
}

// Of the program. What JSON would have to escape becomes '?'.
static void note_subject(pid_t thread, const struct call* call,
                         const struct user_regs_struct* registers) {
  fired_call = call;
  ssize_t length = -1;
  if (call->subject == by_descriptor) {
    fired_descriptor = (long long)registers->rdi;
    length = file_of(thread, registers, fired_about, sizeof(fired_about));
  } else if (call->subject != by_nothing) {
    const unsigned long long address = call->subject == by_path ? registers->rdi : registers->rsi;
    char from[64];
    snprintf(from, sizeof(from), "/proc/%d/mem", thread);
    const int memory = open(from, O_RDONLY | O_CLOEXEC);
    if (memory >= 0) {
      // A string near the end of a page: a byte at a time is never too much.
      for (length = 0; length < (ssize_t)sizeof(fired_about) - 1; ++length) {
        char* to = fired_about + length;
        if (pread(memory, to, 1, (off_t)address + length) != 1 || *to == 0) break;
      }
      close(memory);
    }
  }
  fired_about[length < 0 ? 0 : length] = 0;
  for (char* c = fired_about; *c != 0; ++c) {
    if ((unsigned char)*c < 0x20 || *c == '"' || *c == '\\' || (unsigned char)*c >= 0x7f) *c = '?';
  }
}

static bool creates(const struct call* call, const struct user_regs_struct* registers) {
  if (call->number == SYS_creat) return true;
  const unsigned long long flags = call->number == SYS_open ? registers->rsi : registers->rdx;
  return (flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

// Halves the bytes that a call moves, or its buffers (readv, writev). Returns false where there is
// nothing to halve.
static bool shorten(struct user_regs_struct* registers) {
  if (registers->rdx < 2) return false;
  registers->rdx /= 2;
  return true;
}

static void go_on(pid_t thread, enum __ptrace_request how, int signal_number) {
  // It may have been killed meanwhile.
  if (ptrace(how, thread, NULL, (void*)(long)signal_number) != 0 && errno != ESRCH)
    stop_because("ptrace");
}

// What shall happen when the call of a thread returns.
static pid_t at_return = 0;

static void fire(pid_t thread, const struct call* call, struct user_regs_struct* registers) {
  if (!fired) note_subject(thread, call, registers);
  fired = true;
  switch (asked.action) {
    case action_none:
      break;
    case action_kill:
      kill(main_process, SIGKILL);
      return;
    case action_error:
      // The system closes a descriptor even when close fails: so it must happen first.
      if (call->number == SYS_close) {
        at_return = thread;
        go_on(thread, PTRACE_SYSCALL, 0);
        return;
      }
      registers->orig_rax = (unsigned long long)-1;  // no call, but this result
      registers->rax = (unsigned long long)-asked.error_number;
      break;
    case action_tear:
      at_return = thread;
      /* fall through */
    case action_short:
      (void)shorten(registers);
      break;
  }
  if (ptrace(PTRACE_SETREGS, thread, NULL, registers) != 0 && errno != ESRCH)
    stop_because("ptrace(SETREGS)");
  go_on(thread, at_return == thread ? PTRACE_SYSCALL : PTRACE_CONT, 0);
}

static void on_call(pid_t thread) {
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) != 0) return go_on(thread, PTRACE_CONT, 0);
  const long number = (long)registers.orig_rax;
  if (number == SYS_prctl) {
    if (registers.rdi == FAULTS_MARK) begun = true;
    return go_on(thread, PTRACE_CONT, 0);
  }
  const struct call* call = NULL;
  for (int i = 0; i < known_calls && call == NULL; ++i) {
    if (asked.chosen[i] && known[i].number == number) call = &known[i];
  }
  const bool cuts = asked.action == action_short || asked.action == action_tear;
  // A disk that stays full is not where messages go.
  const bool tells =
      asked.lasts && call != NULL && call->subject == by_descriptor && registers.rdi == 2;
  struct user_regs_struct probe = registers;
  char name[512];
  const bool elsewhere = asked.files && call != NULL && call->subject == by_descriptor &&
                         (file_of(thread, &registers, name, sizeof(name)) <= 0 || name[0] != '/');
  if (!begun || call == NULL || tells || elsewhere ||
      (asked.creating && !creates(call, &registers)) || (cuts && !shorten(&probe)))
    return go_on(thread, PTRACE_CONT, 0);
  ++calls;
  if (asked.at != 0 && (asked.lasts ? calls >= asked.at : calls == asked.at))
    return fire(thread, call, &registers);
  go_on(thread, PTRACE_CONT, 0);
}

static void on_return(pid_t thread) {
  at_return = 0;
  if (asked.action == action_tear) {
    kill(main_process, SIGKILL);
    return;
  }
  struct user_regs_struct registers;
  if (ptrace(PTRACE_GETREGS, thread, NULL, &registers) != 0) return;
  registers.rax = (unsigned long long)-asked.error_number;
  (void)ptrace(PTRACE_SETREGS, thread, NULL, &registers);
  go_on(thread, PTRACE_CONT, 0);
}

static void on_stop(pid_t thread, int status) {
  const int signal_number = WSTOPSIG(status);
  const int event = status >> 16;
  if (event == PTRACE_EVENT_SECCOMP) return on_call(thread);
  if (signal_number == (SIGTRAP | 0x80)) {
    if (at_return == thread) return on_return(thread);
    return go_on(thread, PTRACE_CONT, 0);
  }
  if (event == PTRACE_EVENT_STOP && signal_number != SIGTRAP)
    return go_on(thread, PTRACE_LISTEN, 0);
  go_on(thread, PTRACE_CONT, event == 0 ? signal_number : 0);
}

// Only the chosen calls and prctl stop the program.
static void install_filter(void) {
  struct sock_filter filter[2 * known_calls + 8];
  unsigned short length = 0;
  const struct sock_filter load =
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
  const struct sock_filter trace = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE);
  const struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
  filter[length++] = load;
  for (int i = 0; i <= known_calls; ++i) {
    if (i < known_calls && !asked.chosen[i]) continue;
    const unsigned number = (unsigned)(i < known_calls ? known[i].number : SYS_prctl);
    const struct sock_filter same = BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1);
    filter[length++] = same;
    filter[length++] = trace;
  }
  filter[length++] = allow;
  const struct sock_fprog program = {length, filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
    stop_because("seccomp");
}

static void run_program(char** program, const int* ready) {
  char byte;
  close(ready[1]);
  // Not before the tracer has it.
  if (read(ready[0], &byte, 1) != 1) _exit(99);
  close(ready[0]);
  const char* preload = getenv("MAXDOT_FAULTS_PRELOAD");
  if (preload != NULL) setenv("LD_PRELOAD", preload, 1);
  install_filter();
  execvp(program[0], program);
  stop_because(program[0]);
}

static void pass_on(int signal_number) { kill(main_process, signal_number); }

static void write_report(int status) {
  FILE* file = fopen(asked.report_path, "w");
  if (file == NULL) stop_because(asked.report_path);
  fprintf(file, "{\"begun\": %s, \"calls\": %llu, \"fired\": %s, \"call\": \"%s\", ",
          begun ? "true" : "false", calls, fired ? "true" : "false",
          fired_call == NULL ? "" : fired_call->name);
  fprintf(file, "\"descriptor\": %lld, \"about\": \"%s\", \"code\": %d}\n", fired_descriptor,
          fired_about, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
  if (fclose(file) != 0) stop_because(asked.report_path);
}

int main(int argc, char** argv) {
  char** program = read_options(argc, argv, &asked);
  int ready[2];
  if (pipe(ready) != 0) stop_because("pipe");
  main_process = fork();
  if (main_process < 0) stop_because("fork");
  if (main_process == 0) run_program(program, ready);
  const long events = PTRACE_O_TRACESECCOMP | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK |
                      PTRACE_O_TRACEVFORK | PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, main_process, NULL, (void*)events) != 0) stop_because("ptrace(SEIZE)");
  signal(SIGTERM, pass_on);
  close(ready[0]);
  if (write(ready[1], "", 1) != 1) stop_because("write");
  close(ready[1]);
  for (;;) {
    int status = 0;
    const pid_t thread = waitpid(-1, &status, __WALL);
    if (thread < 0 && errno == EINTR) continue;
    if (thread < 0) stop_because("waitpid");
    if (WIFSTOPPED(status)) {
      on_stop(thread, status);
    } else if (thread == main_process) {
      write_report(status);
      return 0;
    }
  }
}
