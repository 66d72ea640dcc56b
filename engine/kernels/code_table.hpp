// The code kernels of a vector type as one struct.
#pragma once

#include "kernels/code_expand.hpp"
#include "kernels/code_kernels.hpp"
#include "kernels/code_limits.hpp"
#include "kernels/narrow_kernels.hpp"

namespace maxdot::kernels {
namespace {

template <typename V>
constexpr CodeKernels make_code_kernels() noexcept {
  return {V::kMaxQueryCode,         V::kCodeOffset,  V::kCoarseOffset, expand_fine<V>,
          expand_coarse<V>,         screen_codes<V>, stream_codes<V>,  low_product<V>,
          make_narrow_kernels<V>(), code_limits};
}

}  // namespace
}  // namespace maxdot::kernels
