// What libc++abi keeps for each thread that throws, in the place that a thread has from its start
// (tests/check_hardening.py). In libc++abi's own archive glibc would ask for it at the thread's
// first exception, and end the process where there is no memory. The linker takes these two
// functions (Itanium C++ ABI, 2.2.2) instead of the archive's.
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
