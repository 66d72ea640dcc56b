#include "support.hpp"

#include <bit>
#include <cmath>
#include <cstring>

namespace maxdot::test {
namespace {

template <typename F>
Rows fill(std::size_t rows, std::size_t cols, F&& value) {
  Rows out{std::vector<float>(rows * cols), rows, cols};
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t c = 0; c < cols; ++c) out.values[r * cols + c] = value(r, c);
  }
  return out;
}

Rows clustered(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  const Rows centers = gaussian_rows(5, cols, 99);
  return fill(rows, cols, [&](std::size_t r, std::size_t c) {
    return centers.values[(r % 5) * cols + c] + 0.001F * random.gaussian();
  });
}

Rows duplicates(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  const Rows few = gaussian_rows(7, cols, 5);
  Rows out{{}, rows, cols};
  for (std::size_t r = 0; r < rows; ++r) {
    const float* source = &few.values[random.below(7) * cols];
    out.values.insert(out.values.end(), source, source + cols);
  }
  return out;
}

Rows integers(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  return fill(rows, cols,
              [&](std::size_t, std::size_t) { return static_cast<float>(random.below(5)) - 2.0F; });
}

Rows one_ulp(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  const Rows base = gaussian_rows(1, cols, 17);
  return fill(rows, cols, [&](std::size_t, std::size_t c) {
    const float value = base.values[c];
    const std::size_t choice = random.below(3);
    return choice == 0 ? value : std::nextafterf(value, choice == 1 ? 10.0F : -10.0F);
  });
}

Rows scaled(std::size_t rows, std::size_t cols, std::uint64_t seed, float factor) {
  Rows out = gaussian_rows(rows, cols, seed);
  for (float& value : out.values) value = value * factor;
  return out;
}

Rows denormals(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  return scaled(rows, cols, seed, 1e-42F);
}
Rows tiny(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  return scaled(rows, cols, seed, 1e-17F);
}
Rows huge(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  return scaled(rows, cols, seed, 1e37F);
}
Rows large(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  return scaled(rows, cols, seed, 1e10F);
}

Rows mixed_norms(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Rows out = gaussian_rows(rows, cols, seed);
  Random random(seed + 1);
  for (std::size_t r = 0; r < rows; ++r) {
    const float factor = std::ldexp(1.0F, static_cast<int>(random.below(120)) - 100);
    for (std::size_t c = 0; c < cols; ++c) out.values[r * cols + c] *= factor;
  }
  return out;
}

Rows zeros_among(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Rows out = gaussian_rows(rows, cols, seed);
  for (std::size_t r = 0; r < rows; r += 3) {
    for (std::size_t c = 0; c < cols; ++c) out.values[r * cols + c] = r % 2 == 0 ? 0.0F : -0.0F;
  }
  return out;
}

Rows constant(std::size_t rows, std::size_t cols, std::uint64_t) {
  return fill(rows, cols, [](std::size_t, std::size_t) { return 0.3F; });
}

std::uint16_t half_of(float value) {
  // Rounds toward zero, which is all that a test needs; the range is clamped to finite halves.
  const float clamped = std::fmax(-60000.0F, std::fmin(60000.0F, value));
  const auto bits = std::bit_cast<std::uint32_t>(clamped);
  const auto sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000U);
  const int exponent = static_cast<int>((bits >> 23) & 0xffU) - 112;
  if (exponent <= 0) {
    const auto mantissa = static_cast<std::uint16_t>(std::fabs(clamped) * 0x1p24F);
    return static_cast<std::uint16_t>(sign | mantissa);
  }
  return static_cast<std::uint16_t>(sign | (static_cast<unsigned>(exponent) << 10) |
                                    ((bits >> 13) & 0x3ffU));
}

}  // namespace

std::uint64_t Random::bits() {
  state_ += 0x9e3779b97f4a7c15ULL;
  std::uint64_t z = state_;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

float Random::uniform() {
  return static_cast<float>(static_cast<std::int32_t>(bits() >> 32)) * 0x1p-31F;
}

float Random::gaussian() {
  float sum = 0;
  for (int i = 0; i < 6; ++i) sum += uniform();
  return sum * 0.7071F;
}

Rows gaussian_rows(std::size_t rows, std::size_t cols, std::uint64_t seed) {
  Random random(seed);
  return fill(rows, cols, [&](std::size_t, std::size_t) { return random.gaussian(); });
}

const std::vector<Generator>& generators() {
  static const std::vector<Generator> list = {
      {"gaussian", gaussian_rows},  {"clustered", clustered},     {"duplicates", duplicates},
      {"integers", integers},       {"one ulp apart", one_ulp},   {"denormals", denormals},
      {"tiny norms", tiny},         {"huge norms", huge},         {"large norms", large},
      {"mixed norms", mixed_norms}, {"zeros among", zeros_among}, {"constant", constant}};
  return list;
}

std::vector<std::uint16_t> to_halves(const Rows& rows) {
  std::vector<std::uint16_t> halves;
  for (const float value : rows.values) halves.push_back(half_of(value));
  return halves;
}

std::string difference(const SearchResult& got, const SearchResult& expected) {
  if (got.queries != expected.queries || got.k != expected.k) return "shapes differ";
  for (std::size_t i = 0; i < expected.ids.size(); ++i) {
    const bool same_bits = std::memcmp(&got.scores[i], &expected.scores[i], sizeof(double)) == 0;
    if (got.ids[i] == expected.ids[i] && same_bits) continue;
    return "query " + std::to_string(i / got.k) + " position " + std::to_string(i % got.k) +
           ": got id " + std::to_string(got.ids[i]) + " score " + std::to_string(got.scores[i]) +
           ", expected id " + std::to_string(expected.ids[i]) + " score " +
           std::to_string(expected.scores[i]);
  }
  if (got.counts != expected.counts) return "counts differ";
  return {};
}

std::vector<std::int64_t> ids_from(std::int64_t first, std::size_t count, std::int64_t step) {
  std::vector<std::int64_t> ids(count);
  for (std::size_t i = 0; i < count; ++i) ids[i] = first + step * static_cast<std::int64_t>(i);
  return ids;
}

ErrorCode code_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.code();
  }
  return {};
}

}  // namespace maxdot::test
