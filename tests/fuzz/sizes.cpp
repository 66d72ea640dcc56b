#include "sizes.hpp"

#include <algorithm>

namespace fuzz {
namespace {

// Results of a case, and its products with the oracle's 1 to 2 a nanosecond: a few milliseconds.
constexpr std::size_t kMostResults = 250'000;
constexpr std::size_t kLeastProducts = 500'000;

std::size_t draw_dimension(Random& random, std::size_t most) {
  const std::size_t any = random.between(1, 140);
  return std::min(
      most, random.pick<std::size_t>({1,  2,  3,  4,  5,  7,   8,   9,   15,  16,  17,  31,
                                      32, 33, 63, 64, 65, 100, 127, 128, 129, any, any, any}));
}

std::size_t draw_queries(Random& random) {
  return random.pick<std::size_t>({1,  1,  1,  2,  2,  3,  4,  5,   6,   7,   8,   9,   12,  13, 16,
                                   17, 24, 25, 33, 63, 64, 65, 100, 255, 256, 257, 300, 513, 600});
}

std::size_t draw_k(Random& random, std::size_t n) {
  const std::size_t any = random.below(n + 2);
  return random.pick<std::size_t>({0,         1,
                                   1,         2,
                                   5,         9,
                                   10,        10,
                                   10,        11,
                                   31,        32,
                                   33,        99,
                                   100,       100,
                                   101,       n / 17,
                                   n / 16,    n / 4,
                                   n / 4 + 1, n - std::min<std::size_t>(n, 1),
                                   n,         n + 1,
                                   n + 70,    any});
}

}  // namespace

Sizes draw_sizes(Random& random) {
  Sizes sizes = {};
  std::size_t products = kLeastProducts << random.below(4);
  const std::size_t draw = random.below(1000);
  if (draw < 4) {
    // A sparse sample: 768 tiles.
    sizes.items = random.between(49'152, 56'000);
    sizes.dimension = draw_dimension(random, 8);
    sizes.queries = random.between(1, 5);
  } else if (draw < 10) {
    // Large batches.
    sizes.items =
        random.pick<std::size_t>({1, 200, 1024, 1025, 1100, 1100, random.between(1, 2100)});
    sizes.dimension = draw_dimension(random, 8);
    sizes.queries =
        random.pick<std::size_t>({2047, 2048, 2049, 2100, 2305, 4097, random.between(2049, 4200)});
    products = std::size_t{1} << 30;
  } else if (draw < 13) {
    sizes.items = random.between(1, 3000);
    sizes.dimension = random.between(300, 1024);
    sizes.queries = draw_queries(random);
  } else if (draw < 40) {
    sizes.items = random.between(8'000, 20'000);
    sizes.dimension = draw_dimension(random, 40);
    sizes.queries = draw_queries(random);
  } else if (draw < 320) {
    // From 1,024 on there are codes by choice, and a sample.
    sizes.items =
        random.pick<std::size_t>({1023, 1024, 1025, 1088, 2048, 2049, 4096, 4097,
                                  random.between(1000, 2200), random.between(1000, 4500)});
    sizes.dimension = draw_dimension(random, 128);
    sizes.queries = draw_queries(random);
  } else {
    sizes.items = random.pick<std::size_t>({0, 1, 2, 63, 64, 65, 127, 128, 129, 200, 256,
                                            random.between(1, 700), random.between(1, 700)});
    sizes.dimension = random.one_in(60) ? random.between(1, 1000) : draw_dimension(random, 140);
    sizes.queries = random.one_in(100) ? 0 : draw_queries(random);
  }
  const std::size_t most = std::max<std::size_t>(
      1, products / (sizes.dimension * std::max<std::size_t>(1, sizes.items)));
  sizes.queries = std::min(sizes.queries, most);
  sizes.k = draw_k(random, sizes.items);
  if (sizes.queries != 0) sizes.k = std::min(sizes.k, kMostResults / sizes.queries);
  return sizes;
}

}  // namespace fuzz
