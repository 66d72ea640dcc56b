#include "cases.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>

#include "distributions.hpp"
#include "sizes.hpp"

namespace fuzz {
namespace {

using maxdot::DType;
using maxdot::Metric;

constexpr std::size_t kMostListed = 200'000;  // ids in the lists of a case

std::uint16_t half_of(float value) {
  const double magnitude = std::min(65504.0, std::fabs(static_cast<double>(value)));
  const int exponent = magnitude == 0.0 ? -14 : std::max(-14, std::ilogb(magnitude));
  // The bits of a half count on from denormals to normal numbers and across powers of two.
  const auto steps = static_cast<int>(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  const int bits = (exponent + 14) * 1024 + steps;
  return static_cast<std::uint16_t>(bits | (std::signbit(value) ? 0x8000 : 0));
}

Rows pack(Values values, bool half) {
  Rows rows;
  rows.rows = values.rows;
  rows.cols = values.cols;
  if (half) {
    rows.dtype = DType::f16;
    rows.halves.reserve(values.values.size());
    for (const float value : values.values) rows.halves.push_back(half_of(value));
  } else {
    rows.floats = std::move(values.values);
  }
  return rows;
}

const Distribution& any_distribution(Random& random) {
  const auto all = distributions();
  return all[random.below(all.size())];
}

constexpr std::size_t kChanges = 7;
constexpr std::size_t kBeyondScreens = 5;  // the first of two

/// Makes a query an item's row, its negative, a neighbour, a zero, or a row far outside the range
/// of the screens.
void change_query(std::size_t way, float* query, std::size_t d, const Values& items,
                  Random& random) {
  if (way < 4 && items.rows != 0) std::copy_n(items.row(random.below(items.rows)), d, query);
  for (std::size_t c = 0; c < d; ++c) {
    float& value = query[c];
    if (way == 1) value = -value;
    if (way == 2) value = std::nextafter(value, 0.0F);
    if (way == 4) value = random.one_in(2) ? 0.0F : -0.0F;
    if (way == kBeyondScreens)
      value = std::copysign(std::fmod(std::fabs(value), 4.0F) * 0x1p43F, value);
    if (way == kBeyondScreens + 1)
      value = std::copysign(std::fmod(std::fabs(value), 4.0F) * 0x1p-130F, value);
  }
}

Values draw_queries(const Distribution& of_items, const Values& items, std::size_t count,
                    std::uint64_t world, Random& random, std::string& names) {
  const bool alike = !random.one_in(3);
  const Distribution& kind = alike ? of_items : any_distribution(random);
  names += std::string(", queries: ") + kind.name;
  Values queries = make(kind, count, items.cols, alike ? world : random.bits(), random);
  if (random.one_in(10)) {
    names += ", all beyond the screens";
    const std::size_t way = kBeyondScreens + random.below(2);
    for (std::size_t q = 0; q < count; ++q)
      change_query(way, queries.row(q), queries.cols, items, random);
    return queries;
  }
  const std::size_t changed = random.pick<std::size_t>({0, 0, 1, 3, 10, 10});
  if (changed == 0) return queries;
  names += ", changed";
  for (std::size_t q = 0; q < count; ++q) {
    if (random.one_in(changed))
      change_query(random.below(kChanges), queries.row(q), queries.cols, items, random);
  }
  return queries;
}

std::vector<std::int64_t> draw_ids(std::size_t n, Random& random) {
  std::vector<std::int64_t> ids(n);
  std::iota(ids.begin(), ids.end(), std::int64_t{0});
  for (std::size_t i = n; i > 1; --i) std::swap(ids[i - 1], ids[random.below(i)]);
  if (random.one_in(4)) std::sort(ids.rbegin(), ids.rend());
  const std::int64_t step =
      random.pick<std::int64_t>({1, 2, 1000, std::int64_t{1} << 20, std::int64_t{1} << 40});
  const auto first = static_cast<std::int64_t>(random.below(static_cast<std::size_t>(step)));
  for (std::int64_t& id : ids) id = id * step + first;
  if (n != 0 && random.one_in(5)) ids[random.below(n)] = std::numeric_limits<std::int64_t>::max();
  return ids;
}

Lists draw_lists(const Case& drawn, Random& random) {
  const std::size_t n = drawn.items.rows;
  const std::size_t owners = drawn.users();
  const std::size_t affordable = kMostListed / std::max<std::size_t>(1, owners);
  const std::size_t longest = std::min(
      affordable, random.pick<std::size_t>({0, 1, 3, 20, 100, n / 10 + 1, n / 2 + 1, n, 2 * n}));
  Lists result;
  result.given = true;
  result.lists.offsets.push_back(0);
  for (std::size_t owner = 0; owner < owners; ++owner) {
    const std::size_t length = random.one_in(4) ? longest : random.below(longest + 1);
    // A row of neighbours, or ids from everywhere, some of them twice.
    const bool neighbours = n != 0 && random.one_in(3);
    const std::size_t start = n == 0 ? 0 : random.below(n);
    for (std::size_t i = 0; i < length; ++i) {
      result.lists.ids.push_back(neighbours ? drawn.id((start + i) % n) : draw_id(drawn, random));
    }
    result.lists.offsets.push_back(static_cast<std::int64_t>(result.lists.ids.size()));
  }
  return result;
}

std::vector<std::uint8_t> draw_mask(std::size_t n, Random& random) {
  std::vector<std::uint8_t> mask(n, 0);
  const std::size_t share = random.pick<std::size_t>({1, 1, 2, 2, 3, 100, 1000});
  for (std::uint8_t& value : mask) {
    if (random.one_in(share)) value = random.one_in(2) ? 1 : 255;
  }
  if (n != 0 && random.one_in(4)) {
    const std::size_t from = random.below(n);
    std::fill_n(mask.begin() + static_cast<std::ptrdiff_t>(from),
                std::min(n - from, random.between(1, 130)),
                random.one_in(2) ? std::uint8_t{0} : std::uint8_t{1});
  }
  return mask;
}

void draw_filters(Case& drawn, Random& random) {
  if (random.one_in(2)) return;
  const std::size_t which = random.below(8);
  if (which == 0 || which == 3 || which == 5 || which == 6 || which == 7)
    drawn.exclude = draw_lists(drawn, random);
  if (which == 1 || which == 3 || which == 4 || which == 7) drawn.allow = draw_lists(drawn, random);
  if (which == 2 || which == 4 || which == 5 || which == 7)
    drawn.mask = draw_mask(drawn.items.rows, random);
}

Kind draw_kind(Random& random) {
  const std::size_t draw = random.below(100);
  if (draw < 40) return Kind::search;
  if (draw < 64) return Kind::range;
  if (draw < 76) return Kind::multi;
  if (draw < 84) return Kind::ranks;
  return draw < 92 ? Kind::softmax : Kind::shards;
}

void limit_sizes(const Case& drawn, Sizes& sizes) {
  // What the oracle does more than products: sorts everything for ranks, exponentials for a
  // softmax.
  std::size_t pairs = std::numeric_limits<std::size_t>::max();
  if (drawn.kind == Kind::ranks) pairs = 60'000;
  if (drawn.kind == Kind::softmax) pairs = 60'000;
  if (drawn.kind == Kind::range) pairs = 3'000'000;
  if (sizes.items == 0) return;
  sizes.queries = std::min(sizes.queries, std::max<std::size_t>(1, pairs / sizes.items));
}

}  // namespace

const char* to_string(Kind kind) noexcept {
  constexpr const char* kNames[] = {"search", "range", "multi", "ranks", "softmax", "shards"};
  return kNames[static_cast<std::size_t>(kind)];
}

maxdot::MatrixView Rows::view() const noexcept {
  return dtype == DType::f32 ? maxdot::MatrixView::f32(floats.data(), rows, cols)
                             : maxdot::MatrixView::f16(halves.data(), rows, cols);
}

oracle::Matrix Rows::plain() const noexcept {
  oracle::Matrix matrix;
  if (dtype == DType::f32) matrix.f32 = floats.data();
  if (dtype == DType::f16) matrix.f16 = halves.data();
  matrix.rows = rows;
  matrix.cols = cols;
  return matrix;
}

maxdot::Filters Case::filters() const noexcept {
  maxdot::Filters filters;
  if (exclude.given) filters.exclude = exclude.lists;
  if (allow.given) filters.allow = allow.lists;
  filters.item_mask = mask;
  return filters;
}

oracle::Oracle Case::oracle() const {
  oracle::Filters filters;
  if (exclude.given) filters.exclude = {exclude.lists.offsets.data(), exclude.lists.ids.data()};
  if (allow.given) filters.allow = {allow.lists.offsets.data(), allow.lists.ids.data()};
  if (!mask.empty()) filters.mask = mask.data();
  const auto same = metric == Metric::dot      ? oracle::Metric::dot
                    : metric == Metric::cosine ? oracle::Metric::cosine
                                               : oracle::Metric::euclidean;
  return {items.plain(), ids.empty() ? nullptr : ids.data(), queries.plain(), same, normalized,
          filters};
}

std::string Case::describe() const {
  std::string text = std::string(to_string(kind)) + ", " + std::to_string(items.rows) + " x " +
                     std::to_string(items.cols) + " " + to_string(items.dtype) + ", " +
                     std::to_string(queries.rows) + " queries " + to_string(queries.dtype) +
                     ", k = " + std::to_string(k) + ", " + maxdot::to_string(metric) +
                     (normalized ? " normalised" : "") + ", " + drawn_from;
  if (per_user != 1) text += ", per_user = " + std::to_string(per_user);
  if (score_kind == maxdot::ScoreKind::keys) text += ", keys";
  if (!ids.empty()) text += ", own ids";
  if (exclude.given) text += ", exclude";
  if (allow.given) text += ", allow";
  if (!mask.empty()) text += ", mask";
  return text;
}

std::int64_t draw_id(const Case& drawn, Random& random) {
  const std::size_t n = drawn.items.rows;
  if (n == 0 || random.one_in(20)) {
    return random.pick<std::int64_t>(
        {-1, -7, static_cast<std::int64_t>(n), static_cast<std::int64_t>(n) + 63, 0xFFFFFFFF,
         std::int64_t{1} << 32, std::numeric_limits<std::int64_t>::max(),
         std::numeric_limits<std::int64_t>::min()});
  }
  return drawn.id(random.below(n));
}

Case draw_case(std::uint64_t seed) {
  Random random(seed);
  Case drawn;
  drawn.seed = seed;
  drawn.kind = draw_kind(random);
  Sizes sizes = draw_sizes(random);
  limit_sizes(drawn, sizes);
  drawn.k = sizes.k;
  drawn.metric = random.pick({Metric::dot, Metric::cosine, Metric::euclidean});
  if (drawn.kind == Kind::softmax) drawn.metric = random.pick({Metric::dot, Metric::cosine});
  drawn.index_metric = random.one_in(3)
                           ? random.pick({Metric::dot, Metric::cosine, Metric::euclidean})
                           : drawn.metric;
  drawn.normalized = random.one_in(4);
  if (drawn.kind == Kind::multi) {
    drawn.per_user = random.pick<std::size_t>({1, 2, 2, 3, 4, 8});
    sizes.queries = sizes.queries / drawn.per_user * drawn.per_user;
  }
  const std::uint64_t world = random.bits();
  const Distribution& of_items = any_distribution(random);
  drawn.drawn_from = std::string("items: ") + of_items.name;
  Values items = make(of_items, sizes.items, sizes.dimension, world, random);
  Values queries = draw_queries(of_items, items, sizes.queries, world, random, drawn.drawn_from);
  const std::size_t halves = random.below(8);
  drawn.queries = pack(std::move(queries), halves < 2);
  drawn.items = pack(std::move(items), halves == 1 || halves == 2);
  if (random.one_in(3)) drawn.ids = draw_ids(sizes.items, random);
  if (drawn.kind != Kind::softmax) draw_filters(drawn, random);
  if (drawn.kind != Kind::shards && random.one_in(4)) drawn.score_kind = maxdot::ScoreKind::keys;
  if (drawn.kind == Kind::ranks) {
    drawn.allow = {};
    drawn.mask.clear();
  }
  return drawn;
}

}  // namespace fuzz
