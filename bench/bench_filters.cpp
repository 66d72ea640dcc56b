// What filters and several interests cost beside plain searches of the same vectors. Alternating,
// medians of ratios.
//
//   bench_filters          200,000 x 100 Gaussian rows, or the file that MAXDOT_BENCH_ITEMS names

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "data.hpp"
#include "maxdot/maxdot.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kQueries = 1024;
constexpr int kRuns = 9;

std::int64_t random_item(std::mt19937_64& engine, std::size_t items) {
  return static_cast<std::int64_t>(engine() % items);
}

OwnedIdLists random_lists(std::size_t lists, std::size_t length, std::size_t items) {
  std::mt19937_64 engine(length);
  OwnedIdLists made{{0}, {}};
  for (std::size_t l = 0; l < lists; ++l) {
    for (std::size_t i = 0; i < length; ++i) made.ids.push_back(random_item(engine, items));
    made.offsets.push_back(static_cast<std::int64_t>(made.ids.size()));
  }
  return made;
}

/// The best items of each query, which a user has typically seen.
OwnedIdLists best_lists(const Index& index, const MatrixView& queries, std::size_t length) {
  OwnedIdLists made{{0}, {}};
  made.ids = index.search(queries, length).ids;
  for (std::size_t q = 1; q <= queries.rows; ++q)
    made.offsets.push_back(static_cast<std::int64_t>(q * length));
  return made;
}

std::vector<std::uint8_t> random_mask(std::size_t items, double share) {
  std::mt19937_64 engine(7);
  std::bernoulli_distribution in(share);
  std::vector<std::uint8_t> mask(items);
  for (std::uint8_t& value : mask) value = in(engine) ? 1 : 0;
  return mask;
}

double seconds(const std::function<void()>& run) {
  const auto begin = std::chrono::steady_clock::now();
  run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

void compare(const std::string& name, const std::function<void()>& plain,
             const std::function<void()>& other) {
  std::vector<double> base;
  std::vector<double> with;
  std::vector<double> ratios;
  for (int i = 0; i <= kRuns; ++i) {
    base.push_back(seconds(plain));
    with.push_back(seconds(other));
    if (i > 0) ratios.push_back(with.back() / base.back());
  }
  std::printf("%-46s %10.2f %10.2f %8.2f\n", name.c_str(), 1e3 * median(base), 1e3 * median(with),
              median(ratios));
  std::fflush(stdout);
}

}  // namespace

int main() {
  const bench::Data data = bench::load(200000, 100, kQueries);
  const Index index =
      Index::build(MatrixView::f32(data.items.data(), data.n, data.d), {.metric = Metric::dot});
  const MatrixView queries = MatrixView::f32(data.queries.data(), kQueries, data.d);
  std::vector<std::int64_t> ids(kQueries * 100);
  std::vector<double> scores(kQueries * 100);
  const ResultView out = {ids.data(), scores.data(), nullptr};

  for (const int threads : {1, 2}) {
    std::printf("%d thread%s, %zu x %zu %28s %10s %8s\n", threads, threads > 1 ? "s" : "", data.n,
                data.d, "plain ms", "ms", "ratio");
    for (const std::size_t k : {std::size_t{10}, std::size_t{100}}) {
      const std::string of = ", k = " + std::to_string(k);
      const auto plain = [&] { index.search_into(queries, k, out, {.threads = threads}); };
      const auto filtered = [&](const std::string& name, const Filters& filters) {
        compare(name + of, plain, [&] {
          index.search_into(queries, k, out, {.threads = threads, .filters = filters});
        });
      };
      const OwnedIdLists hundred = random_lists(kQueries, 100, data.n);
      const OwnedIdLists best = best_lists(index, queries, 100);
      const OwnedIdLists thousand = random_lists(kQueries, 1000, data.n);
      const OwnedIdLists half = random_lists(kQueries, data.n / 2, data.n);
      const std::vector<std::uint8_t> mask = random_mask(data.n, 0.5);
      const std::vector<std::uint8_t> few = random_mask(data.n, 0.01);
      filtered("exclude 100 random items", {.exclude = hundred});
      filtered("exclude the 100 best items", {.exclude = best});
      filtered("exclude 1,000 random items", {.exclude = thousand});
      filtered("exclude n/2 draws of random items", {.exclude = half});
      filtered("allow n/2 draws of random items", {.allow = half});
      filtered("allow 1,000 items", {.allow = thousand});
      filtered("mask that keeps one half", {.item_mask = mask});
      filtered("mask that keeps 1 %", {.item_mask = few});
      for (const std::size_t per_user :
           {std::size_t{1}, std::size_t{2}, std::size_t{4}, std::size_t{8}}) {
        // A plain search of one vector for each user, times the interests, is the promise.
        const std::size_t users = kQueries / per_user;
        const MatrixView one = MatrixView::f32(data.queries.data(), users, data.d);
        compare(
            std::to_string(per_user) + " interests, beside one each" + of,
            [&] { index.search_into(one, k, out, {.threads = threads}); },
            [&] { index.search_multi_into(queries, per_user, k, out, {.threads = threads}); });
      }
    }
  }
  return 0;
}
