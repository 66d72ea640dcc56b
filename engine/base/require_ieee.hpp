// Every promise of this library rests on IEEE 754 arithmetic as written: what must hold of the
// compiler, checked.
#pragma once

#include <cfloat>
#include <limits>

#if defined(__FAST_MATH__)
#error \
    "maxdot must not be compiled with -ffast-math or -Ofast: results would not be exact; remove it"
#endif

// A part of -ffast-math that GCC and Clang announce where it stands alone.
#if defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__
#error "maxdot must not be compiled with -ffinite-math-only: it looks for NaN and Inf; remove it"
#endif

static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<double>::is_iec559,
              "maxdot needs IEEE 754 float and double");
static_assert(
    FLT_EVAL_METHOD == 0,
    "maxdot needs every operation rounded to its own type: use -mfpmath=sse on 32-bit x86");
