// How this library declares what each thread has for itself.
#pragma once

#include <cstddef>

/// A few bytes of each thread, trivial. With glibc a thread has them from its start: else the C
/// library would ask for them at the thread's first call, and end the process where there is no
/// memory. Other C libraries refuse this in what is loaded later. What is larger, or has a
/// destructor, is for ThreadSlot (thread_slot.hpp). tests/check_hardening.py looks.
#if defined(__GLIBC__)
#define MAXDOT_THREAD_LOCAL [[gnu::tls_model("initial-exec")]] thread_local
#else
#define MAXDOT_THREAD_LOCAL thread_local
#endif
