// AVX2, FMA and F16C. Compiled with those flags; runs only where dispatch.cpp found them.

#include "kernels/avx2_vector.hpp"

namespace maxdot::kernels {

const KernelTable& avx2_table() noexcept {
  static constexpr KernelTable table = make_table<Avx2>("avx2");
  return table;
}

}  // namespace maxdot::kernels
