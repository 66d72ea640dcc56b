// Index files that are right: the seeds of fuzz_index_file, and what a damaged one becomes when it
// is built again.

#include <algorithm>
#include <cmath>
#include <string>
#include <unordered_set>

#include "../distributions.hpp"
#include "index_input.hpp"
#include "maxdot/index.hpp"
#include "property.hpp"

namespace fuzz {
namespace {

using maxdot::BuildOptions;
using maxdot::DType;
using maxdot::Index;
using maxdot::MatrixView;
using maxdot::Metric;

constexpr std::uint16_t kHalfExponent = 0x7c00;
constexpr std::uint64_t kLargestId = ~std::uint64_t{0} >> 1;

Bytes bytes_of(const Index& index) {
  const std::string path = memory_folder() + "/built";
  index.save(path);
  std::FILE* file = std::fopen(path.c_str(), "rb");
  require(file != nullptr, "what was saved can be read");
  Bytes bytes(index.info().bytes);
  bytes.resize(std::fread(bytes.data(), 1, bytes.size(), file));
  std::fclose(file);
  return bytes;
}

std::vector<std::int64_t> scattered_ids(Random& random, std::size_t items) {
  std::vector<std::int64_t> ids(items);
  const std::int64_t step = random.pick<std::int64_t>({1, 3, -1, 1 << 20, std::int64_t{1} << 40});
  for (std::size_t i = 0; i < items; ++i) {
    const std::size_t place = step < 0 ? items - 1 - i : i;
    ids[i] = static_cast<std::int64_t>(place) * std::abs(step) + 5;
  }
  return ids;
}

void make_finite(std::vector<std::uint16_t>& halves) {
  for (std::uint16_t& half : halves) {
    if ((half & kHalfExponent) == kHalfExponent)
      half = static_cast<std::uint16_t>(half & ~std::uint16_t{0x4000});
  }
}

}  // namespace

Bytes fresh_index_file(Random& random) {
  constexpr std::size_t kItems[] = {0, 1, 2, 5, 20, 40, 63, 64, 65, 100, 130};
  constexpr std::size_t kDimensions[] = {1, 2, 3, 4, 5, 7, 8, 9, 12, 17};
  const std::size_t items = kItems[random.below(std::size(kItems))];
  const std::size_t d = kDimensions[random.below(std::size(kDimensions))];
  BuildOptions options;
  options.metric = static_cast<Metric>(random.below(3));
  options.normalize = random.one_in(3);
  options.threads = 1;
  std::vector<std::int64_t> ids;
  if (random.one_in(2)) ids = scattered_ids(random, items);
  options.ids = ids;
  if (random.one_in(4)) {
    std::vector<std::uint16_t> halves(items * d);
    for (std::uint16_t& half : halves) half = static_cast<std::uint16_t>(random.bits());
    make_finite(halves);
    return bytes_of(Index::build(MatrixView::f16(halves.data(), items, d), options));
  }
  const std::span<const Distribution> all = distributions();
  const std::uint64_t world = random.bits();
  const Values rows = make(all[random.below(all.size())], items, d, world, random);
  return bytes_of(Index::build(MatrixView::f32(rows.values.data(), items, d), options));
}

Bytes rebuilt_index_file(std::span<const std::uint8_t> file) {
  const std::optional<IndexShape> shape = shape_in(file);
  const std::span<const std::uint8_t> rows = section_in(file, kRows);
  const std::span<const std::uint8_t> stored = section_in(file, kIds);
  if (!shape || shape->dimension > maxdot::max_dimension || file[37] > 2) return {};
  const std::uint64_t values = shape->items * shape->dimension;
  if (rows.size() != values * (shape->half ? 2 : 4)) return {};
  BuildOptions options;
  options.metric = static_cast<Metric>(file[37]);
  options.normalize = file[38] == 1;
  options.threads = 1;
  std::vector<std::int64_t> ids;
  if (stored.size() == shape->items * sizeof(std::int64_t)) {
    std::unordered_set<std::uint64_t> seen;
    for (std::size_t i = 0; i < shape->items; ++i) {
      std::uint64_t id = read_at<std::uint64_t>(stored, i * 8) & kLargestId;
      // The steps of this generator lead through all ids before one comes again.
      while (!seen.insert(id).second) id = (id * 6364136223846793005U + 1) & kLargestId;
      ids.push_back(static_cast<std::int64_t>(id));
    }
  }
  options.ids = ids;
  if (shape->half) {
    std::vector<std::uint16_t> halves(values);
    if (values != 0) std::memcpy(halves.data(), rows.data(), rows.size());
    make_finite(halves);
    const MatrixView view = MatrixView::f16(halves.data(), shape->items, shape->dimension);
    return bytes_of(Index::build(view, options));
  }
  std::vector<float> floats(values);
  if (values != 0) std::memcpy(floats.data(), rows.data(), rows.size());
  for (float& value : floats) {
    if (!std::isfinite(value)) value = 1.5F;
  }
  const MatrixView view = MatrixView::f32(floats.data(), shape->items, shape->dimension);
  return bytes_of(Index::build(view, options));
}

}  // namespace fuzz
