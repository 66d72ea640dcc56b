// The code kernels of a vector type as one struct.
#pragma once

#include "kernels/code_expand.hpp"
#include "kernels/code_kernels.hpp"
#include "kernels/code_limits.hpp"
#include "kernels/narrow_kernels.hpp"

namespace maxdot::kernels {
namespace {

inline void nothing() noexcept {}

template <typename V>
constexpr CodeKernels make_code_kernels() noexcept {
  return {.query_padding = 4,
          .begin = nothing,
          .end = nothing,
          .max_query_code = V::kMaxQueryCode,
          .offset = V::kCodeOffset,
          .coarse_offset = V::kCoarseOffset,
          .expand_fine = expand_fine<V>,
          .expand_coarse = expand_coarse<V>,
          .screen_codes = screen_codes<V>,
          .stream_codes = stream_codes<V>,
          .low_product = low_product<V>,
          .narrow = make_narrow_kernels<V>(),
          .limits = code_limits};
}

}  // namespace
}  // namespace maxdot::kernels
