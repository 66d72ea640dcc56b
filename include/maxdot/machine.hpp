// What runs the searches: this version of the library, the cores, and the instruction sets.
#pragma once

#include <string>
#include <vector>

#include "maxdot/version.h"

#pragma GCC visibility push(default)
namespace maxdot {
/// Until 1.0 a minor version may change the C++ API. The inline namespace names it, so a program
/// that was compiled with the headers of another one does not link, instead of overwriting a struct
/// that has grown.
inline namespace v0_1 {

/// Of the library that is loaded: "0.1.0". That of the headers: MAXDOT_VERSION_MAJOR, _MINOR,
/// _PATCH.
const char* version() noexcept;

/// Threads that "0" stands for: the cores in this process's affinity mask, cut to its cgroup CPU
/// quota, at least 1.
int available_threads() noexcept;

/// Name of the kernels in use: reference, avx2, avxvnni, avx512, avx512vnni, amx, neon,
/// neondot or neoni8mm: the best that this machine can run, unless `use_kernels` or the environment
/// variable MAXDOT_ISA names others. Throws Error (unsupported) if MAXDOT_ISA names kernels that
/// this machine cannot run, (invalid_argument) if it names none.
///
/// For tests, MAXDOT_CPU_MASK makes the machine look like a lesser one: none (no vector instruction
/// set beyond the architecture's own), avx2, avx512 (both without VNNI), vnni (without AMX), all;
/// Error (invalid_argument) if it names anything else. For amx the process asks Linux for its
/// registers. From then on Linux refuses alternate signal stacks (sigaltstack) that are too small
/// to save them, some 11 KiB, and a thread that searches needs a stack of 32 KiB (with other
/// kernels 16 KiB are enough); MAXDOT_CPU_MASK=vnni does without.
const char* kernel_name();

/// Names of the kernels that this machine can run, best first; the last is reference. They live as
/// long as the process, as that of kernel_name does. Asks Linux for the registers of AMX where
/// there are any, as above. Throws Error: invalid_argument (a bad MAXDOT_CPU_MASK), out_of_memory.
std::vector<const char*> kernel_names();

/// From now on, calls of this process use these kernels, whatever MAXDOT_ISA says; calls under way
/// go on with theirs. Results do not depend on it. To measure, to test, or for a host whose threads
/// cannot do what amx requires. Throws Error: unsupported (this machine cannot run them),
/// invalid_argument (no such name); then nothing has changed.
void use_kernels(const std::string& name);

}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
