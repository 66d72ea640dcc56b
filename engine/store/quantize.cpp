#include "store/quantize.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "base/rounding.hpp"
#include "store/layout.hpp"

namespace maxdot::store {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// The f64 sums below have d + 3 roundings at most: relative error under d * 2^-52 <= 2^-37, for the
// largest d. One step up in f32 is at least 2^-24 of the value.
float round_up(double value) noexcept { return base::round_up(value * (1.0 + 0x1p-36)); }

struct RowCode {
  float scale;
  double error;         // |x - s c|
  double coarse_error;  // |x - s (16h - 120)|
  double five_error;
  double six_error;
};

/// Writes the row's bytes u = c + 128 to `codes`. Plain loops without branches: the compiler
/// vectorises them.
RowCode encode_row(const float* row, std::size_t d, std::uint8_t* codes) noexcept {
  const float largest = largest_magnitude(row, d);
  const float scale = largest / 127.0F;
  if (!(scale > 0.0F)) {
    double square = 0.0;  // zero, or so small that the scale underflowed
    for (std::size_t j = 0; j < d; ++j)
      square += static_cast<double>(row[j]) * static_cast<double>(row[j]);
    std::memset(codes, 128, d);
    const double coarse = std::sqrt(square);  // the scale is 0: so is every approximation
    return {0.0F, coarse, coarse, coarse, coarse};
  }
  const double step = static_cast<double>(scale);
  const double inverse = 1.0 / step;
  double square = 0.0;
  double coarse_square = 0.0;
  double five_square = 0.0;
  double six_square = 0.0;
  for (std::size_t j = 0; j < d; ++j) {
    const double x = static_cast<double>(row[j]);
    const double wanted = std::clamp(x * inverse, -127.0, 127.0);
    const int u = static_cast<int>(wanted + 128.5);  // rounds c + 128 > 0 to nearest
    codes[j] = static_cast<std::uint8_t>(u);
    const double rest = x - step * static_cast<double>(u - 128);
    const double coarse_rest = x - step * static_cast<double>((u & 0xf0) - 120);
    const double five_rest = x - step * static_cast<double>((u & 0xf8) - 124);
    const double six_rest = x - step * static_cast<double>((u & 0xfc) - 126);
    square += rest * rest;
    coarse_square += coarse_rest * coarse_rest;
    five_square += five_rest * five_rest;
    six_square += six_rest * six_rest;
  }
  return {scale, std::sqrt(square), std::sqrt(coarse_square), std::sqrt(five_square),
          std::sqrt(six_square)};
}

/// Makes `ratio` at least error / scale.
void raise(float& ratio, double error, double scale) noexcept {
  if (scale > 0.0)
    ratio = std::max(ratio, round_up(error / scale));
  else if (error > 0.0)
    ratio = kInfinity;  // a scale that underflowed: no screen for this tile
}

void write_codes(const std::uint8_t* codes, std::size_t i, std::size_t d,
                 const TileCodes& out) noexcept {
  const auto put = [](std::uint8_t& byte, unsigned nibble, bool upper) {
    byte = static_cast<std::uint8_t>(byte | (upper ? nibble << 4 : nibble));
  };
  for (std::size_t j = 0; j < d; ++j) {
    put(out.high[high_byte(d, i, j)], codes[j] >> 4, high_is_upper(i));
    put(out.low[low_byte(d, i, j)], codes[j] & 15U, low_is_upper(d, j));
  }
}

}  // namespace

float largest_magnitude(const float* row, std::size_t dimension) noexcept {
  float largest = 0.0F;
  for (std::size_t j = 0; j < dimension; ++j) largest = std::max(largest, std::fabs(row[j]));
  return largest;
}

void quantize_tile(const float* rows, const double* squares, std::size_t count,
                   std::size_t dimension, const TileCodes& out) noexcept {
  std::memset(out.high, 0, plane_tile_bytes(dimension));
  std::memset(out.low, 0, low_tile_bytes(dimension));
  std::fill(out.terms, out.terms + kernels::kTileItems, ItemTerms{});
  TileSummary summary = {};
  NarrowRatios narrow = {};
  summary.min_square = count == 0 ? 0.0F : kInfinity;
  double smallest = static_cast<double>(kInfinity);
  double smallest_unit = smallest;
  std::uint8_t codes[max_dimension];
  for (std::size_t i = 0; i < count; ++i) {
    const RowCode code = encode_row(rows + i * dimension, dimension, codes);
    write_codes(codes, i, dimension, out);

    const double scale = static_cast<double>(code.scale);
    const double norm = std::sqrt(squares[i]);
    const float coarse_error = round_up(code.coarse_error);
    out.terms[i] = {code.scale, static_cast<float>(norm)};
    raise(summary.error_ratio, code.error, scale);
    raise(narrow.five, code.five_error, scale);
    raise(narrow.six, code.six_error, scale);
    summary.scale = std::max(summary.scale, code.scale);
    summary.coarse_error = std::max(summary.coarse_error, coarse_error);
    summary.norm = std::max(summary.norm, round_up(norm));
    summary.min_square = std::min(summary.min_square, static_cast<float>(squares[i]));
    smallest = std::min(smallest, scale);
    if (norm > 0.0) {  // a zero item has scale 0, so `smallest` is 0
      smallest_unit = std::min(smallest_unit, scale / norm);
      summary.unit_scale = std::max(summary.unit_scale, round_up(scale / norm));
      summary.unit_coarse_error =
          std::max(summary.unit_coarse_error, round_up(static_cast<double>(coarse_error) / norm));
    }
  }
  if (summary.scale > 0.0F) {  // then unit_scale is, too: some norm is not 0
    summary.least_scale = base::round_down(
        (1.0 - 0x1p-20) * std::min(smallest / static_cast<double>(summary.scale),
                                   smallest_unit / static_cast<double>(summary.unit_scale)));
  }
  *out.summary = summary;
  *out.narrow = narrow;
}

}  // namespace maxdot::store
