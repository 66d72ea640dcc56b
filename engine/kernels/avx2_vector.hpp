// The AVX2 + FMA + F16C vector type of the kernels. Only for translation units compiled with those
// flags.
#pragma once

#include <immintrin.h>

#include <cstring>
#include <xsimd/xsimd.hpp>

#include "kernels/f32_kernels.hpp"

namespace maxdot::kernels {
namespace {

struct Avx2 {
  using Float = xsimd::batch<float, xsimd::avx2>;
  static constexpr std::size_t kWidth = 8;
  static constexpr std::size_t kPanelQueries = 6;
  static constexpr std::size_t kPanelVectors = 2;

  static Float fma(Float a, Float b, Float c) noexcept { return Float(_mm256_fmadd_ps(a, b, c)); }
  static Float load_f16(const std::uint16_t* p) noexcept {
    return Float(_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))));
  }
  static std::uint64_t survivors(Float u, Float threshold) noexcept {
    return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(u, threshold, _CMP_NLT_UQ)));
  }
  static float sum(Float a) noexcept {
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(a), _mm256_extractf128_ps(a, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
  }

  static Float max(Float a, Float b) noexcept { return Float(_mm256_max_ps(a, b)); }
  static bool any_above(Float a, Float b) noexcept {
    return _mm256_movemask_ps(_mm256_cmp_ps(a, b, _CMP_GT_OQ)) != 0;
  }
  static Float times_power_of_two(Float p, Float t) noexcept {
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(t), 23);
    return Float(_mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent)));
  }
  static Float zero_below(Float value, Float x, Float limit) noexcept {
    return Float(_mm256_and_ps(_mm256_cmp_ps(x, limit, _CMP_GE_OQ), value));
  }

  static Float interleave_low(Float a, Float b) noexcept {
    return Float(_mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x20));
  }
  static Float interleave_high(Float a, Float b) noexcept {
    return Float(_mm256_permute2f128_ps(_mm256_unpacklo_ps(a, b), _mm256_unpackhi_ps(a, b), 0x31));
  }

  struct Doubles {
    __m256d low;   // lanes 0 to 3
    __m256d high;  // lanes 4 to 7
  };
  static Doubles zero_doubles() noexcept { return {_mm256_setzero_pd(), _mm256_setzero_pd()}; }
  static void accumulate(Doubles& lanes, const float* q, const float* x) noexcept {
    const auto wide = [](const float* p) { return _mm256_cvtps_pd(_mm_loadu_ps(p)); };
    lanes.low = _mm256_fmadd_pd(wide(q), wide(x), lanes.low);
    lanes.high = _mm256_fmadd_pd(wide(q + 4), wide(x + 4), lanes.high);
  }
  static void accumulate_tail(Doubles& lanes, const float* q, const float* x,
                              std::size_t n) noexcept {
    const __m256i places = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    const __m256i first = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(n)), places);
    alignas(32) float q_tail[8];
    alignas(32) float x_tail[8];
    _mm256_store_ps(q_tail, _mm256_maskload_ps(q, first));
    _mm256_store_ps(x_tail, _mm256_maskload_ps(x, first));
    accumulate(lanes, q_tail, x_tail);
  }
  static void accumulate_f16(Doubles& lanes, const float* q, const std::uint16_t* x) noexcept {
    alignas(32) float row[8];
    _mm256_store_ps(row, _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(x))));
    accumulate(lanes, q, row);
  }
  static double finish(Doubles lanes) noexcept {
    const __m256d four = _mm256_add_pd(lanes.low, lanes.high);
    const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
    return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
  }

  using Bytes = __m256i;
  static constexpr std::size_t kBytes = 32;
  static constexpr std::size_t kCodeQueries = 4;
  static constexpr std::size_t kCodeVectors = 2;
  static constexpr int kCodeOffset = 128;
  static constexpr int kCoarseOffset = 120;
  static constexpr int kMaxQueryCode = 64;  // 255 * 64 * 2 fits an i16: vpmaddubsw cannot saturate
  static Bytes load_bytes(const std::uint8_t* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store_bytes(std::uint8_t* p, Bytes b) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), b);
  }
  static Bytes broadcast_quad(const std::int8_t* p) noexcept {
    int quad = 0;
    std::memcpy(&quad, p, sizeof(quad));
    return _mm256_set1_epi32(quad);
  }
  static Bytes lower(Bytes b, std::uint8_t mask = 15) noexcept {
    return _mm256_and_si256(b, _mm256_set1_epi8(static_cast<char>(mask)));
  }
  static Bytes upper(Bytes b) noexcept {
    return _mm256_and_si256(b, _mm256_set1_epi8(static_cast<char>(0xf0)));
  }
  static Bytes up(Bytes b) noexcept { return _mm256_slli_epi16(b, 4); }
  static Bytes down(Bytes b) noexcept { return _mm256_srli_epi16(b, 4); }
  static Bytes fine(Bytes high, Bytes low) noexcept {
    return _mm256_or_si256(upper(high), lower(low));
  }
  static Bytes coarse_even(Bytes high) noexcept { return coarse_odd(up(high)); }
  static Bytes coarse_odd(Bytes high) noexcept { return upper(high); }
  static Bytes sixteenth_even(Bytes high) noexcept { return lower(high); }

  static Bytes load_lanes(const std::uint8_t* p, std::size_t stride) noexcept {
    const auto lane = [&](std::size_t i) {
      return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i * stride));
    };
    return _mm256_inserti128_si256(_mm256_castsi128_si256(lane(0)), lane(1), 1);
  }
  static void transpose_quads(Bytes* b) noexcept {
    const __m256i low01 = _mm256_unpacklo_epi32(b[0], b[1]);
    const __m256i high01 = _mm256_unpackhi_epi32(b[0], b[1]);
    const __m256i low23 = _mm256_unpacklo_epi32(b[2], b[3]);
    const __m256i high23 = _mm256_unpackhi_epi32(b[2], b[3]);
    b[0] = _mm256_unpacklo_epi64(low01, low23);
    b[1] = _mm256_unpackhi_epi64(low01, low23);
    b[2] = _mm256_unpacklo_epi64(high01, high23);
    b[3] = _mm256_unpackhi_epi64(high01, high23);
  }

  using Ints = __m256i;
  static Ints ints(std::int32_t i) noexcept { return _mm256_set1_epi32(i); }
  static Ints sixteenfold(Ints sum) noexcept { return _mm256_slli_epi32(sum, 4); }
  static Ints add_ints(Ints a, Ints b) noexcept { return _mm256_add_epi32(a, b); }
  // As assembly, because GCC 12 surrounds the intrinsics with register moves and spills a sum
  // ("Registers" in docs/measurements.md).
  static Ints dot4(Ints sum, Bytes codes, Bytes query) noexcept {
    Ints pairs;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpmaddwd %4, %1, %1\n\tvpaddd %1, %0, %0"
            : "+x"(sum), "=&x"(pairs)
            : "x"(codes), "x"(query), "x"(_mm256_set1_epi16(1)));
    return sum;
  }

  static constexpr bool kNarrow = true;
  static constexpr std::size_t kNarrowVectors = 2;
  static Bytes narrow(Bytes u, int shift) noexcept {
    return _mm256_and_si256(_mm256_srl_epi16(u, _mm_cvtsi32_si128(shift)),
                            _mm256_set1_epi8(static_cast<char>(0xff >> shift)));
  }
  using Shorts = __m256i;
  static Shorts zero_shorts() noexcept { return _mm256_setzero_si256(); }
  static Shorts add_pairs(Shorts sum, Bytes codes, Bytes query) noexcept {
    Shorts pairs;
    __asm__("vpmaddubsw %3, %2, %1\n\tvpaddw %1, %0, %0"
            : "+x"(sum), "=&x"(pairs)
            : "x"(codes), "x"(query));
    return sum;
  }
  static Ints widen(Shorts sum) noexcept { return _mm256_madd_epi16(sum, _mm256_set1_epi16(1)); }
  static std::uint64_t reaching(Ints sum, std::int32_t limit) noexcept {
    const __m256i below = _mm256_cmpgt_epi32(_mm256_set1_epi32(limit), sum);
    return ~static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(below))) & 0xffU;
  }
  static Ints max_ints(Ints a, Ints b) noexcept { return _mm256_max_epi32(a, b); }
  static Ints load_ints(const std::int32_t* p) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  }
  static void store_ints(std::int32_t* p, Ints sum) noexcept {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), sum);
  }
  static std::int32_t sum_ints(Ints a, Ints b) noexcept {
    const __m256i eight = _mm256_add_epi32(a, b);
    const __m128i four =
        _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4e));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xb1)));
  }
};

}  // namespace
}  // namespace maxdot::kernels
