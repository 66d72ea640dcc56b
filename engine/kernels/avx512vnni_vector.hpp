// The vector type of AVX-512 with VNNI: four products and their sum in one instruction, 64 bytes at
// a time.
#pragma once

#include "kernels/avx512_vector.hpp"

namespace maxdot::kernels {
namespace {

struct Avx512Vnni : Avx512 {
  static constexpr int kMaxQueryCode = 127;
  static constexpr bool kNarrow = false;  // 8 bits are as fast

  // In an unrolled register tile GCC 12 surrounds the intrinsic with register moves that halve the
  // speed; one instruction as assembly does not suffer that (docs/measurements.md, "Kernels").
  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(query));
    return sum;
  }
};

}  // namespace
}  // namespace maxdot::kernels
