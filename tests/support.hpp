// Data that tries to break an exact search, and the comparison with the specification.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "maxdot/maxdot.hpp"
#include "maxdot/reference.hpp"

namespace maxdot::test {

struct Rows {
  std::vector<float> values;
  std::size_t rows = 0;
  std::size_t cols = 0;
  MatrixView view() const { return MatrixView::f32(values.data(), rows, cols); }
};

/// Deterministic numbers, the same on every platform.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2862933555777941757ULL + 3037000493ULL) {}
  std::uint64_t bits();
  /// Uniform in [0, bound). Requires bound > 0.
  std::size_t below(std::size_t bound) { return static_cast<std::size_t>(bits() % bound); }
  float uniform();   ///< [-1, 1)
  float gaussian();  ///< about N(0, 1)

 private:
  std::uint64_t state_;
};

/// One way of making rows; `name` says what is nasty about it.
struct Generator {
  std::string name;
  Rows (*make)(std::size_t rows, std::size_t cols, std::uint64_t seed);
};

/// Gaussian, clustered, duplicates, small integers (ties), one-ulp neighbours, denormals, huge
/// norms, tiny norms, mixed norms, zeros among rows, constant rows.
const std::vector<Generator>& generators();

Rows gaussian_rows(std::size_t rows, std::size_t cols, std::uint64_t seed);

/// Rows rounded to f16 (finite), as halves.
std::vector<std::uint16_t> to_halves(const Rows& rows);

/// first, first + step, and so on.
std::vector<std::int64_t> ids_from(std::int64_t first, std::size_t count, std::int64_t step = 1);

/// The code of the Error that the call ends with; ErrorCode{} if there is none.
ErrorCode code_of(const std::function<void()>& call);

/// Empty if equal bit for bit, else the first difference in words.
std::string difference(const SearchResult& got, const SearchResult& expected);

}  // namespace maxdot::test
