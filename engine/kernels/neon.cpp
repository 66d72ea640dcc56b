// NEON on AArch64, where it is always present.

#include <arm_neon.h>

#include <xsimd/xsimd.hpp>

#include "kernels/f32_kernels.hpp"

namespace maxdot::kernels {
namespace {

struct Neon {
  using Float = xsimd::batch<float, xsimd::neon64>;
  static constexpr std::size_t kWidth = 4;
  static constexpr std::size_t kPanelQueries = 6;
  static constexpr std::size_t kPanelVectors = 4;

  static float32x4_t halves(const std::uint16_t* p) noexcept {
    return vcvt_f32_f16(vreinterpret_f16_u16(vld1_u16(p)));
  }
  static Float fma(Float a, Float b, Float c) noexcept { return Float(vfmaq_f32(c, a, b)); }
  static Float load_f16(const std::uint16_t* p) noexcept { return Float(halves(p)); }
  static std::uint64_t survivors(Float u, Float threshold) noexcept {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vbicq_u32(bits, vcltq_f32(u, threshold)));
  }
  static float sum(Float a) noexcept { return vaddvq_f32(a); }
  static Float max(Float a, Float b) noexcept { return Float(vmaxq_f32(a, b)); }
  static bool any_above(Float a, Float b) noexcept { return vmaxvq_u32(vcgtq_f32(a, b)) != 0; }
  static Float times_power_of_two(Float p, Float t) noexcept {
    const uint32x4_t exponent = vshlq_n_u32(vreinterpretq_u32_f32(t), 23);
    return Float(vreinterpretq_f32_u32(vaddq_u32(vreinterpretq_u32_f32(p), exponent)));
  }
  static Float zero_below(Float value, Float x, Float limit) noexcept {
    return Float(vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(x, limit), vreinterpretq_u32_f32(value))));
  }

  static Float interleave_low(Float a, Float b) noexcept { return Float(vzip1q_f32(a, b)); }
  static Float interleave_high(Float a, Float b) noexcept { return Float(vzip2q_f32(a, b)); }

  struct Doubles {
    float64x2_t pair[4];  // lanes 0-1, 2-3, 4-5, 6-7
  };
  static Doubles zero_doubles() noexcept {
    const float64x2_t zero = vdupq_n_f64(0.0);
    return {{zero, zero, zero, zero}};
  }
  static void accumulate_four(float64x2_t* pair, float32x4_t q, float32x4_t x) noexcept {
    pair[0] = vfmaq_f64(pair[0], vcvt_f64_f32(vget_low_f32(q)), vcvt_f64_f32(vget_low_f32(x)));
    pair[1] = vfmaq_f64(pair[1], vcvt_high_f64_f32(q), vcvt_high_f64_f32(x));
  }
  static void accumulate(Doubles& lanes, const float* q, const float* x) noexcept {
    accumulate_four(lanes.pair, vld1q_f32(q), vld1q_f32(x));
    accumulate_four(lanes.pair + 2, vld1q_f32(q + 4), vld1q_f32(x + 4));
  }
  static void accumulate_f16(Doubles& lanes, const float* q, const std::uint16_t* x) noexcept {
    accumulate_four(lanes.pair, vld1q_f32(q), halves(x));
    accumulate_four(lanes.pair + 2, vld1q_f32(q + 4), halves(x + 4));
  }
  static double finish(Doubles lanes) noexcept {
    const float64x2_t even = vaddq_f64(lanes.pair[0], lanes.pair[2]);  // l0+l4, l1+l5
    const float64x2_t odd = vaddq_f64(lanes.pair[1], lanes.pair[3]);   // l2+l6, l3+l7
    const float64x2_t two = vaddq_f64(even, odd);
    return vgetq_lane_f64(two, 0) + vgetq_lane_f64(two, 1);
  }
};

}  // namespace

const KernelTable& neon_table() noexcept {
  static constexpr KernelTable table = make_table<Neon>("neon");
  return table;
}

}  // namespace maxdot::kernels
