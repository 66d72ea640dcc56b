// What libc++abi keeps for each thread that throws, in the place that a thread has from its start
// (tests/check_hardening.py). In libc++abi's own archive glibc would ask for it at the thread's
// first exception, and end the process where there is no memory. The linker takes these two
// functions (Itanium C++ ABI, 2.2.2) instead of the archive's.
#include <cstdint>

namespace {

struct EhGlobals {
  void* caught;
  unsigned int uncaught;
};
[[gnu::tls_model("initial-exec")]] thread_local EhGlobals globals;

}  // namespace

extern "C" {

EhGlobals* __cxa_get_globals() noexcept;
EhGlobals* __cxa_get_globals_fast() noexcept;

EhGlobals* __cxa_get_globals() noexcept { return &globals; }

EhGlobals* __cxa_get_globals_fast() noexcept { return &globals; }
}

// A thread that CPython (up to 3.13) ends by pthread_exit, such as a daemon thread that searches
// when the process ends, is unwound by libgcc. libc++abi's personality would read libgcc's context
// by LLVM's functions, and crash. Such an unwinding passes by instead: the process is ending.
// The linker puts this in the place of the personality (-Wl,--wrap).
extern "C" {

int __real___gxx_personality_v0(int version, int actions, std::uint64_t kind, void* exception,
                                void* context);
int __wrap___gxx_personality_v0(int version, int actions, std::uint64_t kind, void* exception,
                                void* context);

int __wrap___gxx_personality_v0(int version, int actions, std::uint64_t kind, void* exception,
                                void* context) {
  constexpr int forced = 8;              // _UA_FORCE_UNWIND
  constexpr int continue_unwinding = 8;  // _URC_CONTINUE_UNWIND
  if ((actions & forced) != 0) return continue_unwinding;
  return __real___gxx_personality_v0(version, actions, kind, exception, context);
}
}
