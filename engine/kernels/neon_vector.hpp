// The NEON (AArch64) vector type of the kernels.
#pragma once

#include <arm_neon.h>

#include <cstring>
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
    return Float(
        vreinterpretq_f32_u32(vandq_u32(vcgeq_f32(x, limit), vreinterpretq_u32_f32(value))));
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
  static void accumulate_tail(Doubles& lanes, const float* q, const float* x,
                              std::size_t n) noexcept {
    float q_tail[8] = {};
    float x_tail[8] = {};
    std::memcpy(q_tail, q, n * sizeof(float));
    std::memcpy(x_tail, x, n * sizeof(float));
    accumulate(lanes, q_tail, x_tail);
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

  using Bytes = uint8x16_t;
  static constexpr std::size_t kBytes = 16;
  static constexpr std::size_t kCodeQueries = 6;
  static constexpr std::size_t kCodeVectors = 4;
  static constexpr int kCodeOffset = 0;     // expanded bytes are signed codes: u ^ 0x80 = u - 128
  static constexpr int kCoarseOffset = -8;  // 16h - 120 = (16h ^ 0x80) + 8
  static constexpr int kMaxQueryCode = 127;
  static constexpr bool kNarrow = false;
  static Bytes load_bytes(const std::uint8_t* p) noexcept { return vld1q_u8(p); }
  static void store_bytes(std::uint8_t* p, Bytes b) noexcept { vst1q_u8(p, b); }
  static Bytes broadcast_quad(const std::int8_t* p) noexcept {
    std::uint32_t quad = 0;
    std::memcpy(&quad, p, sizeof(quad));
    return vreinterpretq_u8_u32(vdupq_n_u32(quad));
  }
  static Bytes to_signed(Bytes u) noexcept { return veorq_u8(u, vdupq_n_u8(0x80)); }
  static Bytes up(Bytes b) noexcept { return vshlq_n_u8(b, 4); }
  static Bytes down(Bytes b) noexcept { return vshrq_n_u8(b, 4); }
  static Bytes lower(Bytes b, std::uint8_t mask = 15) noexcept {
    return vandq_u8(b, vdupq_n_u8(mask));
  }
  static Bytes fine(Bytes high, Bytes low) noexcept {
    return to_signed(vbslq_u8(vdupq_n_u8(0xf0), high, low));
  }
  static Bytes coarse_even(Bytes high) noexcept { return coarse_odd(up(high)); }
  static Bytes coarse_odd(Bytes high) noexcept {
    return to_signed(vandq_u8(high, vdupq_n_u8(0xf0)));
  }
  // Signed, as coarse_odd is: (16h ^ 0x80) / 16.
  static Bytes sixteenth_even(Bytes high) noexcept {
    return vreinterpretq_u8_s8(vshrq_n_s8(vreinterpretq_s8_u8(coarse_even(high)), 4));
  }

  static Bytes load_lanes(const std::uint8_t* p, std::size_t /*stride*/) noexcept {
    return vld1q_u8(p);
  }
  static void transpose_quads(Bytes* b) noexcept {
    const uint32x4_t v[4] = {vreinterpretq_u32_u8(b[0]), vreinterpretq_u32_u8(b[1]),
                             vreinterpretq_u32_u8(b[2]), vreinterpretq_u32_u8(b[3])};
    const uint64x2_t low01 = vreinterpretq_u64_u32(vzip1q_u32(v[0], v[1]));
    const uint64x2_t high01 = vreinterpretq_u64_u32(vzip2q_u32(v[0], v[1]));
    const uint64x2_t low23 = vreinterpretq_u64_u32(vzip1q_u32(v[2], v[3]));
    const uint64x2_t high23 = vreinterpretq_u64_u32(vzip2q_u32(v[2], v[3]));
    b[0] = vreinterpretq_u8_u64(vzip1q_u64(low01, low23));
    b[1] = vreinterpretq_u8_u64(vzip2q_u64(low01, low23));
    b[2] = vreinterpretq_u8_u64(vzip1q_u64(high01, high23));
    b[3] = vreinterpretq_u8_u64(vzip2q_u64(high01, high23));
  }

  using Ints = int32x4_t;
  static Ints ints(std::int32_t i) noexcept { return vdupq_n_s32(i); }
  static Ints sixteenfold(Ints sum) noexcept { return vshlq_n_s32(sum, 4); }
  static Ints add_ints(Ints a, Ints b) noexcept { return vaddq_s32(a, b); }
  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    const int8x16_t c = vreinterpretq_s8_u8(codes);
    const int8x16_t q = vreinterpretq_s8_u8(query);
    const int16x8_t low = vmull_s8(vget_low_s8(c), vget_low_s8(q));
    const int16x8_t pairs = vpaddq_s16(low, vmull_high_s8(c, q));  // 2 * 127 * 127 fits an i16
    return vpadalq_s16(sum, pairs);
  }
  static std::uint64_t reaching(Ints sum, std::int32_t limit) noexcept {
    const uint32x4_t bits = {1, 2, 4, 8};
    return vaddvq_u32(vandq_u32(bits, vcgeq_s32(sum, vdupq_n_s32(limit))));
  }
  static Ints max_ints(Ints a, Ints b) noexcept { return vmaxq_s32(a, b); }
  static Ints load_ints(const std::int32_t* p) noexcept { return vld1q_s32(p); }
  static void store_ints(std::int32_t* p, Ints sum) noexcept { vst1q_s32(p, sum); }
  static std::int32_t sum_ints(Ints a, Ints b) noexcept { return vaddvq_s32(vaddq_s32(a, b)); }
};

}  // namespace
}  // namespace maxdot::kernels
