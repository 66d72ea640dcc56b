// The vector type of NEON with the dot product instructions (Armv8.2): four products and their sum
// in one instruction.
#pragma once

#include "kernels/neon_vector.hpp"

namespace maxdot::kernels {
namespace {

struct NeonDot : Neon {
  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    return vdotq_s32(sum, vreinterpretq_s8_u8(codes), vreinterpretq_s8_u8(query));
  }
};

}  // namespace
}  // namespace maxdot::kernels
