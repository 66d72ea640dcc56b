#include "live/model.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace maxdot::test {
namespace {

// Multiples of a quarter: exact in f16, and with many ties.
float value(Random& random) {
  return static_cast<float>(static_cast<int>(random.below(17)) - 8) * 0.25F;
}

Rows some_rows(const Plan& plan, std::size_t count, Random& random) {
  Rows rows = {std::vector<float>(count * plan.dimension), count, plan.dimension};
  const bool gaussian = plan.catalogue.dtype == DType::f32 && random.below(2) == 0;
  for (float& one : rows.values) one = gaussian ? random.gaussian() : value(random);
  return rows;
}

std::vector<std::int64_t> some_ids(const Plan& plan, std::size_t writer, std::size_t count,
                                   Random& random) {
  std::vector<std::int64_t> ids(plan.universe);
  std::iota(ids.begin(), ids.end(), 0);
  for (std::size_t i = 0; i < count; ++i) std::swap(ids[i], ids[i + random.below(ids.size() - i)]);
  ids.resize(count);
  for (std::int64_t& id : ids)
    id = id * static_cast<std::int64_t>(plan.writers) + static_cast<std::int64_t>(writer);
  return ids;
}

Index build(const Model& model, const Plan& plan, std::vector<std::int64_t>& ids,
            std::vector<float>& values) {
  ids.clear();
  values.clear();
  for (const auto& [id, row] : model) {
    ids.push_back(id);
    values.insert(values.end(), row.begin(), row.end());
  }
  BuildOptions options;
  options.metric = plan.catalogue.metric;
  options.normalize = plan.catalogue.normalize;
  options.ids = ids;
  options.threads = 1;
  return Index::build(MatrixView::f32(values.data(), ids.size(), plan.dimension), options);
}

/// Lists of ids for each of `count` owners, some unknown to the catalogue.
OwnedIdLists some_lists(const Plan& plan, std::size_t count, std::size_t longest, Random& random) {
  OwnedIdLists lists;
  lists.offsets.push_back(0);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = random.below(longest + 1); j > 0; --j)
      lists.ids.push_back(
          static_cast<std::int64_t>(random.below(plan.universe * plan.writers + 5)) - 2);
    lists.offsets.push_back(static_cast<std::int64_t>(lists.ids.size()));
  }
  return lists;
}

std::string difference(const RangeResult& got, const RangeResult& expected) {
  if (got.offsets != expected.offsets) return "another number of results";
  if (got.ids != expected.ids) return "other ids";
  return got.scores == expected.scores ? "" : "other scores";
}

}  // namespace

Plan make_plan(std::uint64_t seed) {
  Random random(seed ^ 0x9E3779B97F4A7C15U);
  Plan plan;
  plan.catalogue.metric = static_cast<Metric>(random.below(3));
  plan.catalogue.normalize = random.below(4) == 0;
  plan.catalogue.dtype = random.below(3) == 0 ? DType::f16 : DType::f32;
  plan.live.durability = static_cast<Durability>(random.below(3));
  plan.live.fresh_items = 64 + random.below(64);
  plan.live.compact_in_background = random.below(3) != 0;
  plan.dimension = 1 + random.below(24);
  plan.universe = 100 + random.below(400);
  plan.writers = 1 + random.below(3);
  return plan;
}

MatrixView Step::view(DType dtype) const {
  if (dtype == DType::f32) return rows.view();
  return {halves.data(), DType::f16, rows.rows, rows.cols, rows.cols * sizeof(std::uint16_t)};
}

Step make_step(const Plan& plan, std::uint64_t seed, std::size_t writer, std::size_t index) {
  Random random((seed * 1'000'003 + writer) * 1'000'003 + index);
  for (int i = 0; i < 4; ++i) (void)random.bits();
  const std::size_t dice = random.below(20);
  Step step;
  if (dice < 6) {
    step.kind = StepKind::remove;
    step.ids = some_ids(plan, writer, random.below(plan.universe / 4), random);
    return step;
  }
  if (dice == 6) {
    step.kind = StepKind::compact;
    return step;
  }
  // Only a writer that is alone may replace the ids of all.
  step.kind = dice == 7 && plan.writers == 1 ? StepKind::replace : StepKind::upsert;
  const bool many = random.below(4) == 0;  // enough to be a segment at once
  const std::size_t most = many ? plan.universe : std::min<std::size_t>(plan.universe, 40);
  step.ids = some_ids(plan, writer, random.below(most), random);
  step.rows = some_rows(plan, step.ids.size(), random);
  if (plan.catalogue.dtype == DType::f16) step.halves = to_halves(step.rows);
  return step;
}

void carry_out(const Step& step, Model& model) {
  if (step.kind == StepKind::compact) return;
  if (step.kind == StepKind::replace) model.clear();
  for (std::size_t i = 0; i < step.ids.size(); ++i) {
    if (step.kind == StepKind::remove) {
      model.erase(step.ids[i]);
    } else {
      const auto row = step.rows.values.begin() + static_cast<std::ptrdiff_t>(i * step.rows.cols);
      model[step.ids[i]].assign(row, row + static_cast<std::ptrdiff_t>(step.rows.cols));
    }
  }
}

void carry_out(const Step& step, const Plan& plan, LiveIndex& index) {
  switch (step.kind) {
    case StepKind::upsert:
      index.upsert(step.ids, step.view(plan.catalogue.dtype));
      return;
    case StepKind::remove:
      index.remove(step.ids);
      return;
    case StepKind::replace: {
      BuildOptions options;
      options.metric = plan.catalogue.metric;
      options.normalize = plan.catalogue.normalize;
      options.ids = step.ids;
      options.threads = 1;
      index.replace(Index::build(step.view(plan.catalogue.dtype), options));
      return;
    }
    case StepKind::compact:
      index.compact();
      return;
  }
}

std::string difference(const Snapshot& snapshot, const Model& model, const Plan& plan,
                       std::uint64_t seed) {
  Random random(seed);
  std::vector<std::int64_t> ids;
  std::vector<float> values;
  const Index expected = build(model, plan, ids, values);
  if (snapshot.size() != model.size())
    return std::to_string(snapshot.size()) + " items instead of " + std::to_string(model.size());
  const std::vector<std::int64_t> order = snapshot.ids();
  std::vector<std::int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  if (sorted != ids) return "other ids";
  std::vector<float> row(plan.dimension);
  for (const auto& [id, own] : model) {
    if (!snapshot.item(id, row.data()) || row != own)
      return "another row of item " + std::to_string(id);
  }

  const std::size_t count = random.below(5);
  const Rows queries = some_rows(plan, count, random);
  const std::size_t k = random.below(3) == 0 ? model.size() + 3 : random.below(20);
  SearchOptions options;
  options.threads = 1 + static_cast<int>(random.below(2));
  options.metric = static_cast<Metric>(random.below(3));
  if (random.below(3) == 0) options.score_kind = ScoreKind::keys;
  const auto compare = [&](const SearchOptions& got, const SearchOptions& wanted,
                           const char* what) -> std::string {
    std::string found = difference(snapshot.search(queries.view(), k, got),
                                   expected.search(queries.view(), k, wanted));
    if (!found.empty()) return std::string(what) + ": " + found;
    const double threshold = random.gaussian() * 3.0;
    found = difference(snapshot.search_range(queries.view(), {&threshold, 1}, got),
                       expected.search_range(queries.view(), {&threshold, 1}, wanted));
    if (!found.empty()) return std::string(what) + ", range: " + found;
    const std::size_t per_user = count % 2 == 0 ? 2 : count;
    SearchOptions multi = got;
    SearchOptions multi_wanted = wanted;
    multi.filters.exclude = multi.filters.allow = {};
    multi_wanted.filters.exclude = multi_wanted.filters.allow = {};
    found = difference(snapshot.search_multi(queries.view(), per_user, k, multi),
                       expected.search_multi(queries.view(), per_user, k, multi_wanted));
    return found.empty() ? "" : std::string(what) + ", multi: " + found;
  };
  std::string found = compare(options, options, "search");
  if (!found.empty()) return found;

  const OwnedIdLists exclude = some_lists(plan, count, 40, random);
  const OwnedIdLists allow = some_lists(plan, count, random.below(2) == 0 ? 10 : 300, random);
  if (random.below(2) == 0) options.filters.exclude = exclude;
  if (random.below(2) == 0) options.filters.allow = allow;
  SearchOptions wanted = options;
  std::vector<std::uint8_t> mask(ids.size());
  std::vector<std::uint8_t> mask_by_order(ids.size());
  if (random.below(2) == 0 && !ids.empty()) {
    for (std::uint8_t& one : mask) one = random.below(2) == 0 ? 1 : 0;
    for (std::size_t i = 0; i < order.size(); ++i)
      mask_by_order[i] = mask[static_cast<std::size_t>(
          std::lower_bound(ids.begin(), ids.end(), order[i]) - ids.begin())];
    options.filters.item_mask = mask_by_order;
    wanted.filters.item_mask = mask;
  }
  return compare(options, wanted, "filters");
}

}  // namespace maxdot::test
