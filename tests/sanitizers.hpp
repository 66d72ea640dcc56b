// Which sanitizer this build has. MAXDOT_TSAN and MAXDOT_ASAN are 0 or 1.
#pragma once

#if defined(__SANITIZE_THREAD__)
#define MAXDOT_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define MAXDOT_TSAN 1
#endif
#endif
#ifndef MAXDOT_TSAN
#define MAXDOT_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define MAXDOT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define MAXDOT_ASAN 1
#endif
#endif
#ifndef MAXDOT_ASAN
#define MAXDOT_ASAN 0
#endif
