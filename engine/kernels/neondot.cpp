// NEON with the dot product instructions (Armv8.2).

#include "kernels/neondot_vector.hpp"

namespace maxdot::kernels {

const KernelTable& neondot_table() noexcept {
  static constexpr KernelTable table = make_table<NeonDot>("neondot");
  return table;
}

}  // namespace maxdot::kernels
