// Every promise of this library rests on IEEE 754 arithmetic as written, its files on the order of
// bytes, and its sizes on 64 bits: what must hold of the compiler, checked.
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
static_assert(FLT_EVAL_METHOD == 0, "maxdot needs every operation rounded to its own type");

#if !defined(__SIZEOF_POINTER__) || __SIZEOF_POINTER__ != 8
#error "maxdot needs a 64-bit build: catalogues are larger than 4 GB; choose a 64-bit target"
#endif

// Index files, .npy, .fvecs and .fbin are little-endian, and are read as they lie.
#if !defined(__BYTE_ORDER__) || __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "maxdot needs a little-endian CPU: its files are little-endian and are read as they lie"
#endif
