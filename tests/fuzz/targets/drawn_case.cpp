#include "drawn_case.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "property.hpp"

namespace fuzz {
namespace {

constexpr std::size_t kMostQueryValues = 4096;

}  // namespace

DrawnCase::DrawnCase(const maxdot::Index& index, const IndexInput& input, bool verified)
    : index_(index),
      question_(input.question),
      info_(index.info()),
      verified_(verified),
      on_disk_((question_.open & 4) != 0),
      random_(question_.seed) {
  if (verified) read_items(input.file);
  drawn_.k = k();
  drawn_.metric = static_cast<maxdot::Metric>(question_.metric % 3);
  drawn_.index_metric = info_.metric;
  drawn_.normalized = info_.normalized;
  if (kind() == Kind::multi) drawn_.per_user = 1 + question_.queries % 3;
  draw_queries();
  draw_filters();
  if ((question_.filters & 8) != 0) drawn_.score_kind = maxdot::ScoreKind::keys;
}

// More often what most callers ask.
DrawnCase::Kind DrawnCase::kind() const {
  constexpr Kind kKinds[] = {Kind::search, Kind::search, Kind::search,  Kind::search, Kind::search,
                             Kind::search, Kind::multi,  Kind::multi,   Kind::range,  Kind::range,
                             Kind::range,  Kind::ranks,  Kind::softmax, Kind::items};
  return kKinds[question_.kind % std::size(kKinds)];
}

std::size_t DrawnCase::k() const {
  if (question_.k == 255) return std::size_t{1} << 50;
  if (question_.k >= 250) return info_.items + question_.k - 250;
  return question_.k % 40;
}

void DrawnCase::read_items(std::span<const std::uint8_t> file) {
  Rows& items = drawn_.items;
  items.dtype = info_.dtype;
  items.rows = info_.items;
  items.cols = info_.dimension;
  const std::span<const std::uint8_t> rows = section_in(file, kRows);
  const std::size_t values = items.rows * items.cols;
  require(rows.size() == values * maxdot::size_of(items.dtype), "rows have the size of all rows");
  if (items.dtype == maxdot::DType::f32) {
    items.floats.resize(values);
    if (values != 0) std::memcpy(items.floats.data(), rows.data(), rows.size());
  } else {
    items.halves.resize(values);
    if (values != 0) std::memcpy(items.halves.data(), rows.data(), rows.size());
  }
  const std::span<const std::uint8_t> ids = section_in(file, kIds);
  drawn_.ids.resize(ids.size() / sizeof(std::int64_t));
  if (!ids.empty()) std::memcpy(drawn_.ids.data(), ids.data(), ids.size());
}

std::size_t DrawnCase::query_count() const {
  constexpr std::size_t kCounts[] = {1, 1, 1, 1, 1, 1, 2, 2, 3, 3, 4, 5, 8, 16, 17, 33, 65, 0};
  const std::size_t most =
      std::max<std::size_t>(1, kMostQueryValues / std::max<std::size_t>(1, info_.dimension));
  return std::min(kCounts[question_.queries % std::size(kCounts)], most) * drawn_.per_user;
}

void DrawnCase::draw_queries() {
  Rows& queries = drawn_.queries;
  queries.rows = query_count();
  queries.cols = info_.dimension;
  queries.floats.resize(queries.rows * queries.cols);
  std::vector<float> row(queries.cols);
  for (std::size_t q = 0; q < queries.rows; ++q) {
    float* out = queries.floats.data() + q * queries.cols;
    const std::size_t way = random_.below(8);
    if (way < 3 && info_.items != 0) index_.item_row(random_.below(info_.items), row.data());
    const float scale = std::ldexp(1.0F, random_.one_in(6) ? random_.exponent(-120, 120) : 0);
    for (std::size_t j = 0; j < queries.cols; ++j) {
      float value = way < 3   ? row[j]
                    : way < 6 ? random_.gaussian() * scale
                    : way < 7 ? static_cast<float>(random_.below(5)) - 2.0F
                              : 0.0F;
      if (way == 1) value = std::nextafter(value, 1.0F);
      out[j] = std::isfinite(value) ? value : 1.0F;
    }
  }
}

maxdot::OwnedIdLists DrawnCase::draw_lists(std::size_t most) {
  maxdot::OwnedIdLists lists = {{0}, {}};
  for (std::size_t u = 0; u < drawn_.users(); ++u) {
    for (std::size_t count = random_.below(most + 1); count > 0; --count) {
      const bool known = info_.items != 0 && !random_.one_in(10);
      lists.ids.push_back(known ? index_.item_id(random_.below(info_.items))
                                : static_cast<std::int64_t>(random_.bits()));
    }
    lists.offsets.push_back(static_cast<std::int64_t>(lists.ids.size()));
  }
  return lists;
}

void DrawnCase::draw_filters() {
  if ((question_.filters & 1) != 0) drawn_.exclude = {true, draw_lists(10)};
  if ((question_.filters & 2) != 0) drawn_.allow = {true, draw_lists(70)};
  if ((question_.filters & 4) == 0) return;
  drawn_.mask.resize(info_.items);
  for (std::uint8_t& value : drawn_.mask) value = random_.one_in(3) ? 0 : 1;
}

}  // namespace fuzz
