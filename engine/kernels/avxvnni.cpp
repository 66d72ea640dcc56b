// AVX2 with AVX-VNNI: CPUs that have the dot product of bytes but no AVX-512.

#include "kernels/avx2_vector.hpp"

namespace maxdot::kernels {
namespace {

struct AvxVnni : Avx2 {
  static constexpr std::size_t kCodeQueries =
      6;  // 6 * 2 sums + 2 codes + 1 quad = 15 of 16 registers
  static constexpr int kMaxQueryCode = 127;
  static constexpr bool kNarrow = false;  // 8 bits are as fast

  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    __asm__("%{vex%} vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(codes), "x"(query));
    return sum;
  }
};

}  // namespace

const KernelTable& avxvnni_table() noexcept {
  static constexpr KernelTable table = make_table<AvxVnni>("avxvnni");
  return table;
}

}  // namespace maxdot::kernels
