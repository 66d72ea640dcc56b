// AVX-512 without VNNI. Compiled with F, BW, DQ, VL; runs only where dispatch.cpp found them.

#include "kernels/avx512_vector.hpp"

namespace maxdot::kernels {

const KernelTable& avx512_table() noexcept {
  static constexpr KernelTable table = make_table<Avx512>("avx512");
  return table;
}

}  // namespace maxdot::kernels
