// AVX2 with FMA and F16C. Compiled with those flags; runs only where dispatch.cpp found them.

#include <immintrin.h>

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
};

}  // namespace

const KernelTable& avx2_table() noexcept {
  static constexpr KernelTable table = make_table<Avx2>("avx2");
  return table;
}

}  // namespace maxdot::kernels
