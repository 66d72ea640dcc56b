// AVX-512 with VNNI.

#include "kernels/avx512vnni_vector.hpp"

namespace maxdot::kernels {

const KernelTable& avx512vnni_table() noexcept {
  static constexpr KernelTable table = make_table<Avx512Vnni>("avx512vnni");
  return table;
}

}  // namespace maxdot::kernels
