#include "distributions.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace fuzz {
namespace {

constexpr float kLargest = std::numeric_limits<float>::max();
constexpr std::size_t kTileItems = 64;   // the engine's: some kinds aim at its tiles
constexpr std::size_t kSampledTile = 8;  // of every 16

template <typename Value>
void each(Values& out, Value&& value) {
  for (std::size_t r = 0; r < out.rows; ++r) {
    for (std::size_t c = 0; c < out.cols; ++c) out.row(r)[c] = value(r, c);
  }
}

template <typename Factor>
void scale_rows(Values& out, Factor&& factor) {
  for (std::size_t r = 0; r < out.rows; ++r) {
    const float f = factor(r);
    for (std::size_t c = 0; c < out.cols; ++c) out.row(r)[c] *= f;
  }
}

float power(int exponent) { return std::ldexp(1.0F, exponent); }

void gaussian(Values& out, std::uint64_t, Random& random) {
  each(out, [&](std::size_t, std::size_t) { return random.gaussian(); });
}

void positive(Values& out, std::uint64_t, Random& random) {
  each(out, [&](std::size_t, std::size_t) { return std::fabs(random.uniform()); });
}

void around_centres(Values& out, std::uint64_t world, std::size_t count, float spread,
                    Random& random) {
  Random shared(world);
  Values centres(count, out.cols);
  gaussian(centres, world, shared);
  for (std::size_t r = 0; r < out.rows; ++r) {
    const float* centre = centres.row(random.below(count));
    for (std::size_t c = 0; c < out.cols; ++c)
      out.row(r)[c] = centre[c] + spread * random.gaussian();
  }
}

void clusters(Values& out, std::uint64_t world, Random& random) {
  around_centres(out, world, 2 + world % 20, power(-static_cast<int>(world / 32 % 16)), random);
}

void tight_cluster(Values& out, std::uint64_t world, Random& random) {
  around_centres(out, world, 1, power(-8 - static_cast<int>(world % 16)), random);
}

void duplicates(Values& out, std::uint64_t world, Random& random) {
  around_centres(out, world, 1 + world % 9, 0.0F, random);
}

void integers(Values& out, std::uint64_t world, Random& random) {
  const std::size_t half = 1 + world % 4;
  each(out, [&](std::size_t, std::size_t) {
    return static_cast<float>(random.below(2 * half + 1)) - static_cast<float>(half);
  });
}

void one_ulp_apart(Values& out, std::uint64_t world, Random& random) {
  around_centres(out, world, 1, 0.0F, random);
  each(out, [&](std::size_t r, std::size_t c) {
    const float value = out.row(r)[c];
    return random.one_in(3) ? value
                            : std::nextafter(value, random.one_in(2) ? kLargest : -kLargest);
  });
}

void denormals(Values& out, std::uint64_t world, Random& random) {
  const float largest = static_cast<float>(1U << (world % 22));
  each(out, [&](std::size_t, std::size_t) {
    return std::nearbyint(largest * random.uniform()) * 0x1p-149F;
  });
}

void scaled(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const float factor = power(static_cast<int>(world % 253) - 126);
  scale_rows(out, [&](std::size_t) { return factor; });
}

void mixed_norms(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const int reach = 1 + static_cast<int>(world % 126);
  scale_rows(out, [&](std::size_t) { return power(random.exponent(-reach, reach)); });
}

void power_law_norms(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const double exponent = 0.3 + 0.1 * static_cast<double>(world % 20);
  scale_rows(out, [&](std::size_t) {
    return static_cast<float>(std::pow(1.0 - random.unit(), -exponent));
  });
}

void lognormal_norms(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const float sigma = 0.25F * static_cast<float>(1 + world % 12);
  scale_rows(out, [&](std::size_t) { return std::exp(sigma * random.gaussian()); });
}

void sorted_norms(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const bool falling = world % 2 == 0;
  const float octaves = static_cast<float>(1 + world / 2 % 30);
  scale_rows(out, [&](std::size_t r) {
    const float place =
        static_cast<float>(falling ? out.rows - r : r) / static_cast<float>(out.rows);
    return std::exp2(octaves * place);
  });
}

void outlier_dimensions(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const std::size_t step = 3 + world % 40;
  const float factor = power(3 + static_cast<int>(world / 64 % 12));
  each(out, [&](std::size_t r, std::size_t c) {
    return c % step == world % step ? out.row(r)[c] * factor : out.row(r)[c];
  });
}

// Multiples of the scale: 8-bit codes have no error.
void exact_codes(Values& out, std::uint64_t world, Random& random) {
  const float base = power(static_cast<int>(world % 61) - 30);
  for (std::size_t r = 0; r < out.rows; ++r) {
    const float scale = world % 2 == 0 ? base : base * power(random.exponent(-3, 3));
    for (std::size_t c = 0; c < out.cols; ++c) {
      out.row(r)[c] = scale * (static_cast<float>(random.below(255)) - 127.0F);
    }
    out.row(r)[random.below(out.cols)] = random.one_in(2) ? 127.0F * scale : -127.0F * scale;
  }
}

// Integers near a few directions, some rows of them as the least denormals. Codes of items and
// queries are exact, so nothing but the norms is rounded, and that of a denormal is not relative:
// such a row may be the most similar one.
void denormal_neighbours(Values& out, std::uint64_t world, Random& random) {
  Random shared(world);
  Values directions(1 + world % 4, out.cols);
  each(directions,
       [&](std::size_t, std::size_t) { return static_cast<float>(shared.below(251)) - 125.0F; });
  const std::size_t rare = 2 + world / 4 % 200;
  const std::size_t reach = 1 + world / 1024 % 2;
  for (std::size_t r = 0; r < out.rows; ++r) {
    const float* direction = directions.row(random.below(directions.rows));
    const float scale = random.one_in(rare) ? 0x1p-149F : 1.0F;
    for (std::size_t c = 0; c < out.cols; ++c) {
      const auto off = static_cast<float>(random.below(2 * reach + 1)) - static_cast<float>(reach);
      out.row(r)[c] = scale * (direction[c] + off);
    }
    out.row(r)[world % out.cols] = scale * 127.0F;
  }
}

// The values that high nibbles stand for: 4-bit codes have no error, or the largest.
void exact_nibbles(Values& out, std::uint64_t world, Random& random) {
  const float off = world % 2 == 0 ? 0.0F : 8.0F;
  for (std::size_t r = 0; r < out.rows; ++r) {
    for (std::size_t c = 0; c < out.cols; ++c) {
      const float code = 16.0F * static_cast<float>(random.below(16)) - 120.0F;
      out.row(r)[c] = code < 0.0F ? code + off : code - off;
    }
    out.row(r)[random.below(out.cols)] = 127.0F;
  }
}

void zeros_among(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const std::size_t step = 2 + world % 50;
  scale_rows(out, [&](std::size_t) {
    return !random.one_in(step) ? 1.0F : random.one_in(2) ? 0.0F : -0.0F;
  });
}

void constant(Values& out, std::uint64_t world, Random& random) {
  const float value = 0.1F * static_cast<float>(1 + world % 9);
  each(out, [&](std::size_t, std::size_t) { return value; });
  if (world % 3 == 0)
    scale_rows(out, [&](std::size_t) { return static_cast<float>(1 + random.below(3)); });
}

void sparse(Values& out, std::uint64_t world, Random& random) {
  const std::size_t step = 2 + world % 20;
  each(out,
       [&](std::size_t, std::size_t) { return random.one_in(step) ? random.gaussian() : 0.0F; });
}

void denormals_beside_ordinary(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const std::size_t step = 2 + world % 300;
  scale_rows(out, [&](std::size_t r) {
    return random.one_in(step) || r == world % out.rows ? power(random.exponent(-149, -126)) : 1.0F;
  });
}

void sign_flipped_pairs(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  for (std::size_t r = 1; r < out.rows; r += 2) {
    for (std::size_t c = 0; c < out.cols; ++c) out.row(r)[c] = -out.row(r - 1)[c];
  }
}

void near_orthogonal(Values& out, std::uint64_t world, Random& random) {
  const float rest = world % 2 == 0 ? 0.0F : power(-10 - static_cast<int>(world / 2 % 30));
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::size_t half = random.below(2);
    for (std::size_t c = 0; c < out.cols; ++c)
      out.row(r)[c] = (c % 2 == half ? 1.0F : rest) * random.gaussian();
  }
}

void one_hot(Values& out, std::uint64_t world, Random& random) {
  for (std::size_t r = 0; r < out.rows; ++r) {
    out.row(r)[random.below(out.cols)] = world % 2 == 0 ? 1.0F : power(random.exponent(-40, 40));
  }
}

void hot_dimension(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const float factor = power(static_cast<int>(world / 1024 % 40));
  for (std::size_t r = 0; r < out.rows; ++r) out.row(r)[world % out.cols] *= factor;
}

void huge_and_tiny_in_rows(Values& out, std::uint64_t world, Random& random) {
  const int reach = 1 + static_cast<int>(world % 120);
  each(out, [&](std::size_t, std::size_t) {
    const float value = random.gaussian();
    return value * power(random.exponent(-reach, reach));
  });
}

void parallel(Values& out, std::uint64_t world, Random& random) {
  around_centres(out, world, 1, 0.0F, random);
  const int steps = 1 + static_cast<int>(world % 20);
  scale_rows(out, [&](std::size_t) {
    const float sign = random.one_in(9) ? -1.0F : 1.0F;
    return sign * power(-random.exponent(0, steps));
  });
}

void low_rank(Values& out, std::uint64_t world, Random& random) {
  Random shared(world);
  Values basis(1 + world % 3, out.cols);
  gaussian(basis, world, shared);
  for (std::size_t r = 0; r < out.rows; ++r) {
    for (std::size_t b = 0; b < basis.rows; ++b) {
      const float weight = random.gaussian();
      for (std::size_t c = 0; c < out.cols; ++c) out.row(r)[c] += weight * basis.row(b)[c];
    }
  }
}

// Large values that cancel in every dot product, and small ones that decide.
void cancelling(Values& out, std::uint64_t world, Random& random) {
  const float large = power(10 + static_cast<int>(world % 15));
  each(out, [&](std::size_t r, std::size_t c) {
    const float sign = c % 2 == 0 || r % 2 == 0 ? 1.0F : -1.0F;
    return c + 1 < out.cols ? sign * large : random.gaussian();
  });
}

// Norms at the limits of the screens (2^±40) and of the softmax (2^±60), and at the smallest normal
// f32.
void at_limits(Values& out, std::uint64_t world, Random& random) {
  const bool diverse = world % 2 == 0;
  const int at = Random(world).pick({40, -40, 60, -60, -126, 39, -61});
  for (std::size_t r = 0; r < out.rows; ++r) {
    const int exponent = diverse ? random.pick({0, 0, 40, -40, 60, -60, -126}) : at;
    const float size = random.one_in(2)
                           ? power(exponent)
                           : std::nextafter(power(exponent), random.one_in(2) ? 0.0F : kLargest);
    if (random.one_in(2)) {
      out.row(r)[random.below(out.cols)] = size;
    } else {
      for (std::size_t c = 0; c < out.cols; ++c) out.row(r)[c] = size * random.uniform();
    }
  }
}

void many_ties(Values& out, std::uint64_t world, Random& random) {
  const std::size_t levels = 1 + world % 12;
  for (std::size_t r = 0; r < out.rows; ++r) {
    out.row(r)[0] = static_cast<float>(random.below(levels)) * 0.125F;
    if (out.cols > 1) out.row(r)[out.cols - 1] = 1.0F;
  }
}

void largest_floats(Values& out, std::uint64_t, Random& random) {
  each(out, [&](std::size_t, std::size_t) {
    return random.one_in(2) ? kLargest : -kLargest * random.uniform();
  });
}

// The first threshold is guessed from one tile in sixteen: those differ from the others.
void misleading_sample(Values& out, std::uint64_t world, Random& random) {
  gaussian(out, world, random);
  const float sampled = power(static_cast<int>(world % 9) - 4);
  for (std::size_t r = 0; r < out.rows; ++r) {
    float* row = out.row(r);
    const bool hit = r / kTileItems % 16 == kSampledTile;
    for (std::size_t c = 0; c < out.cols; ++c) row[c] = hit ? std::fabs(row[c]) * sampled : row[c];
    row[out.cols - 1] = 100.0F - static_cast<float>(r) * 1e-3F;
  }
}

void mixture(Values& out, std::uint64_t world, Random& random) {
  const std::span<const Distribution> all = distributions();
  const std::size_t kinds = 2 + world % 3;
  std::vector<Values> parts;
  for (std::size_t i = 0; i < kinds; ++i) {
    // The last one is this one.
    const Distribution& kind = all[Random(world + i).below(all.size() - 1)];
    parts.emplace_back(out.rows, out.cols);
    kind.fill(parts.back(), world, random);
  }
  const std::size_t rare = 1 + world / 4 % 40;
  for (std::size_t r = 0; r < out.rows; ++r) {
    const std::size_t from = random.one_in(rare) ? random.below(kinds) : 0;
    std::copy_n(parts[from].row(r), out.cols, out.row(r));
  }
}

constexpr Distribution kDistributions[] = {
    {"gaussian", gaussian},
    {"positive", positive},
    {"clusters", clusters},
    {"tight cluster", tight_cluster},
    {"duplicates", duplicates},
    {"integers", integers},
    {"one ulp apart", one_ulp_apart},
    {"denormals", denormals},
    {"scaled", scaled},
    {"mixed norms", mixed_norms},
    {"power-law norms", power_law_norms},
    {"lognormal norms", lognormal_norms},
    {"sorted norms", sorted_norms},
    {"outlier dimensions", outlier_dimensions},
    {"exact codes", exact_codes},
    {"denormal neighbours", denormal_neighbours},
    {"exact nibbles", exact_nibbles},
    {"zeros among", zeros_among},
    {"constant", constant},
    {"sparse", sparse},
    {"denormals beside ordinary", denormals_beside_ordinary},
    {"sign-flipped pairs", sign_flipped_pairs},
    {"near-orthogonal", near_orthogonal},
    {"one-hot", one_hot},
    {"hot dimension", hot_dimension},
    {"huge and tiny in rows", huge_and_tiny_in_rows},
    {"parallel", parallel},
    {"low rank", low_rank},
    {"cancelling", cancelling},
    {"at limits", at_limits},
    {"many ties", many_ties},
    {"largest floats", largest_floats},
    {"misleading sample", misleading_sample},
    {"mixture", mixture},
};

}  // namespace

std::span<const Distribution> distributions() { return kDistributions; }

Values make(const Distribution& distribution, std::size_t rows, std::size_t cols,
            std::uint64_t world, Random& random) {
  Values out(rows, cols);
  if (rows != 0) distribution.fill(out, world, random);
  for (float& value : out.values)
    value = std::isnan(value) ? 0.0F : std::clamp(value, -kLargest, kLargest);
  return out;
}

}  // namespace fuzz
