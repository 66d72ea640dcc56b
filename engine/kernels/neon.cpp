// NEON, which every AArch64 CPU has.

#include "kernels/neon_vector.hpp"

namespace maxdot::kernels {

const KernelTable& neon_table() noexcept {
  static constexpr KernelTable table = make_table<Neon>("neon");
  return table;
}

}  // namespace maxdot::kernels
