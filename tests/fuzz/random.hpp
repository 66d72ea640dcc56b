// Random: numbers that follow from a seed alone, the same in every build.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace fuzz {

/// SplitMix64.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t bits() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  /// Uniform in [0, bound). Requires bound > 0.
  std::size_t below(std::size_t bound) noexcept { return static_cast<std::size_t>(bits() % bound); }
  /// Uniform in [low, high].
  std::size_t between(std::size_t low, std::size_t high) noexcept {
    return low + below(high - low + 1);
  }
  int exponent(int low, int high) noexcept {
    return low + static_cast<int>(below(static_cast<std::size_t>(high - low + 1)));
  }
  bool one_in(std::size_t n) noexcept { return below(n) == 0; }
  /// Uniform in [0, 1).
  double unit() noexcept { return static_cast<double>(bits() >> 11) * 0x1p-53; }
  /// Uniform in [-1, 1).
  float uniform() noexcept {
    return static_cast<float>(static_cast<std::int32_t>(bits() >> 32)) * 0x1p-31F;
  }
  /// About N(0, 1).
  float gaussian() noexcept {
    float sum = 0.0F;
    for (int i = 0; i < 6; ++i) sum += uniform();
    return sum * 0.7071F;
  }
  template <typename T>
  T pick(std::initializer_list<T> values) noexcept {
    return values.begin()[below(values.size())];
  }

 private:
  std::uint64_t state_;
};

}  // namespace fuzz
