// The AVX-512 (F, BW, DQ, VL) vector type of the kernels. Only for translation units compiled with
// those flags.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <xsimd/xsimd.hpp>

#include "kernels/f32_kernels.hpp"

namespace maxdot::kernels {
namespace {

struct Avx512 {
  using Float = xsimd::batch<float, xsimd::avx512bw>;
  static constexpr std::size_t kWidth = 16;
  static constexpr std::size_t kPanelQueries = 6;
  static constexpr std::size_t kPanelVectors = 4;

  // xsimd 8.1 has no fused multiply-add for AVX-512.
  static Float fma(Float a, Float b, Float c) noexcept { return Float(_mm512_fmadd_ps(a, b, c)); }
  static Float load_f16(const std::uint16_t* p) noexcept {
    return Float(_mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p))));
  }
  static std::uint64_t survivors(Float u, Float threshold) noexcept {
    return _mm512_cmp_ps_mask(u, threshold, _CMP_NLT_UQ);
  }
  static float sum(Float a) noexcept { return _mm512_reduce_add_ps(a); }

  static Float max(Float a, Float b) noexcept { return Float(_mm512_max_ps(a, b)); }
  static bool any_above(Float a, Float b) noexcept {
    return _mm512_cmp_ps_mask(a, b, _CMP_GT_OQ) != 0;
  }
  static Float times_power_of_two(Float p, Float t) noexcept {
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(t), 23);
    return Float(_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent)));
  }
  static Float zero_below(Float value, Float x, Float limit) noexcept {
    return Float(_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, limit, _CMP_GE_OQ), value));
  }

  static Float interleave_low(Float a, Float b) noexcept {
    const __m512i order = _mm512_setr_epi32(0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
    return Float(_mm512_permutex2var_ps(a, order, b));
  }
  static Float interleave_high(Float a, Float b) noexcept {
    const __m512i order =
        _mm512_setr_epi32(8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
    return Float(_mm512_permutex2var_ps(a, order, b));
  }

  using Doubles = __m512d;
  static Doubles zero_doubles() noexcept { return _mm512_setzero_pd(); }
  static void accumulate(Doubles& lanes, const float* q, const float* x) noexcept {
    lanes = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(q)),
                            _mm512_cvtps_pd(_mm256_loadu_ps(x)), lanes);
  }
  static void accumulate_tail(Doubles& lanes, const float* q, const float* x,
                              std::size_t n) noexcept {
    const auto first = static_cast<__mmask8>((1U << n) - 1U);
    lanes = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_maskz_loadu_ps(first, q)),
                            _mm512_cvtps_pd(_mm256_maskz_loadu_ps(first, x)), lanes);
  }
  static void accumulate_f16(Doubles& lanes, const float* q, const std::uint16_t* x) noexcept {
    const __m256 row = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x)));
    lanes = _mm512_fmadd_pd(_mm512_cvtps_pd(_mm256_loadu_ps(q)), _mm512_cvtps_pd(row), lanes);
  }
  static double finish(Doubles lanes) noexcept {
    const __m256d four =
        _mm256_add_pd(_mm512_castpd512_pd256(lanes), _mm512_extractf64x4_pd(lanes, 1));
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }

  using Bytes = __m512i;
  static constexpr std::size_t kBytes = 64;
  static constexpr std::size_t kCodeQueries = 6;
  static constexpr std::size_t kCodeVectors = 4;
  static constexpr int kCodeOffset = 128;
  static constexpr int kCoarseOffset = 120;
  static constexpr int kMaxQueryCode = 64;  // 255 * 64 * 2 fits an i16
  static Bytes load_bytes(const std::uint8_t* p) noexcept { return _mm512_loadu_si512(p); }
  static void store_bytes(std::uint8_t* p, Bytes b) noexcept { _mm512_storeu_si512(p, b); }
  static Bytes broadcast_quad(const std::int8_t* p) noexcept {
    int quad = 0;
    std::memcpy(&quad, p, sizeof(quad));
    return _mm512_set1_epi32(quad);
  }
  static Bytes upper_nibbles() noexcept { return _mm512_set1_epi8(static_cast<char>(0xf0)); }
  static Bytes up(Bytes b) noexcept { return _mm512_slli_epi16(b, 4); }
  static Bytes down(Bytes b) noexcept { return _mm512_srli_epi16(b, 4); }
  static Bytes lower(Bytes b, std::uint8_t mask = 15) noexcept {
    return _mm512_and_si512(b, _mm512_set1_epi8(static_cast<char>(mask)));
  }
  // Ternary logic 0xca: bitwise "mask ? b : c".
  static Bytes fine(Bytes high, Bytes low) noexcept {
    return _mm512_ternarylogic_epi32(upper_nibbles(), high, low, 0xca);
  }
  static Bytes coarse_even(Bytes high) noexcept { return coarse_odd(up(high)); }
  static Bytes coarse_odd(Bytes high) noexcept { return _mm512_and_si512(high, upper_nibbles()); }
  static Bytes sixteenth_even(Bytes high) noexcept { return lower(high); }

  // Insertions from memory do without the one port that shuffles.
  static Bytes load_lanes(const std::uint8_t* p, std::size_t stride) noexcept {
    const auto lane = [&](std::size_t i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i * stride));
    };
    __m512i b = _mm512_castsi128_si512(lane(0));
    b = _mm512_inserti32x4(b, lane(1), 1);
    b = _mm512_inserti32x4(b, lane(2), 2);
    return _mm512_inserti32x4(b, lane(3), 3);
  }
  static void transpose_quads(Bytes* b) noexcept {
    const __m512i low01 = _mm512_unpacklo_epi32(b[0], b[1]);
    const __m512i high01 = _mm512_unpackhi_epi32(b[0], b[1]);
    const __m512i low23 = _mm512_unpacklo_epi32(b[2], b[3]);
    const __m512i high23 = _mm512_unpackhi_epi32(b[2], b[3]);
    b[0] = _mm512_unpacklo_epi64(low01, low23);
    b[1] = _mm512_unpackhi_epi64(low01, low23);
    b[2] = _mm512_unpacklo_epi64(high01, high23);
    b[3] = _mm512_unpackhi_epi64(high01, high23);
  }

  using Ints = __m512i;
  static Ints ints(std::int32_t i) noexcept { return _mm512_set1_epi32(i); }
  static Ints sixteenfold(Ints sum) noexcept { return _mm512_slli_epi32(sum, 4); }
  static Ints add_ints(Ints a, Ints b) noexcept { return _mm512_add_epi32(a, b); }
  // As assembly, for the reason that avx2_vector.hpp tells.
  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    Ints pairs;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
            : "+v"(sum), "=&v"(pairs)
            : "v"(codes), "v"(query), "v"(_mm512_set1_epi16(1)));
    return sum;
  }

  static constexpr bool kNarrow = true;
  static constexpr std::size_t kNarrowVectors = 4;
  static Bytes narrow(Bytes u, int shift) noexcept {
    return _mm512_and_si512(_mm512_srl_epi16(u, _mm_cvtsi32_si128(shift)),
                            _mm512_set1_epi8(static_cast<char>(0xff >> shift)));
  }
  using Shorts = __m512i;
  static Shorts zero_shorts() noexcept { return _mm512_setzero_si512(); }
  static Shorts add_pairs(Shorts sum, Bytes codes, Bytes query) noexcept {
    Shorts pairs;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
            : "+v"(sum), "=&v"(pairs)
            : "v"(codes), "v"(query));
    return sum;
  }
  static Ints widen(Shorts sum) noexcept { return _mm512_madd_epi16(sum, _mm512_set1_epi16(1)); }
  static std::uint64_t reaching(Ints sum, std::int32_t limit) noexcept {
    return _mm512_cmp_epi32_mask(sum, _mm512_set1_epi32(limit), _MM_CMPINT_NLT);
  }
  static Ints max_ints(Ints a, Ints b) noexcept { return _mm512_max_epi32(a, b); }
  static Ints load_ints(const std::int32_t* p) noexcept { return _mm512_loadu_si512(p); }
  static void store_ints(std::int32_t* p, Ints sum) noexcept { _mm512_storeu_si512(p, sum); }
  static std::int32_t sum_ints(Ints a, Ints b) noexcept {
    return _mm512_reduce_add_epi32(_mm512_add_epi32(a, b));
  }
};

}  // namespace
}  // namespace maxdot::kernels
