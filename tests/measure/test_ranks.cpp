// Ranks in the full catalogue against the full list of results.

#include <doctest/doctest.h>

#include <algorithm>
#include <vector>

#include "id_lists.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/maxdot.hpp"
#include "measure/ranks.hpp"
#include "store/encode.hpp"
#include "support.hpp"

using namespace maxdot;
using namespace maxdot::evaluate;
using test::Lists;
using test::random_lists;
using test::to_csr;

TEST_CASE("ranks equal the place in the full list of results, for every kind of data") {
  for (const test::Generator& generator : test::generators()) {
    CAPTURE(generator.name);
    for (const Metric metric : {Metric::dot, Metric::cosine, Metric::euclidean}) {
      CAPTURE(to_string(metric));
      const std::size_t n = 150;
      const test::Rows items = generator.make(n, 11, 1);
      const test::Rows users = generator.make(9, 11, 2);
      std::vector<std::int64_t> ids(n);
      for (std::size_t row = 0; row < n; ++row)
        ids[row] = static_cast<std::int64_t>((row * 77) % n);
      const Index index = Index::build(items.view(), {.metric = metric, .ids = ids});
      const SearchResult all = index.search(users.view(), n);
      Lists relevant(9);
      for (auto& list : relevant) {
        for (std::int64_t id = 0; id < static_cast<std::int64_t>(n); id += 3) list.push_back(id);
        list.push_back(77777);
      }
      const OwnedIdLists csr = to_csr(relevant);
      test::Random random(5);
      const Lists exclude = random_lists(9, 50, n, random);
      const std::vector<std::int64_t> plain = ranks(index, users.view(), csr);
      const std::vector<std::int64_t> filtered =
          ranks(index, users.view(), csr, to_csr(exclude), {.threads = 2});
      for (std::size_t u = 0; u < 9; ++u) {
        const auto* row = &all.ids[u * n];
        for (std::size_t i = 0; i < relevant[u].size(); ++i) {
          const std::int64_t id = relevant[u][i];
          const auto place = static_cast<std::size_t>(std::find(row, row + n, id) - row);
          const std::size_t at = static_cast<std::size_t>(csr.offsets[u]) + i;
          const auto left_out = [&](std::int64_t other) {
            return std::find(exclude[u].begin(), exclude[u].end(), other) != exclude[u].end();
          };
          REQUIRE(plain[at] == (place == n ? 0 : static_cast<std::int64_t>(place) + 1));
          const auto better = static_cast<std::int64_t>(
              place - static_cast<std::size_t>(std::count_if(row, row + place, left_out)));
          REQUIRE(filtered[at] == (place == n || left_out(id) ? 0 : better + 1));
        }
      }
    }
  }
}

TEST_CASE("ranks are the same on every instruction set") {
  const test::Rows items = test::gaussian_rows(1000, 20, 1);
  const test::Rows users = test::gaussian_rows(30, 20, 2);
  Matrix rows(1000, 20, DType::f32);
  std::copy(items.values.begin(), items.values.end(), static_cast<float*>(rows.data()));
  const auto store =
      store::encode(std::move(rows), {Metric::euclidean, false, {}, 1}, kernels::reference_table());
  std::vector<std::int64_t> offsets = {0};
  std::vector<std::size_t> targets;
  for (std::size_t u = 0; u < 30; ++u) {
    for (std::size_t i = 0; i < 4; ++i) targets.push_back((u * 31 + i * 7) % 1000);
    offsets.push_back(static_cast<std::int64_t>(targets.size()));
  }
  std::vector<std::int64_t> expected(targets.size());
  std::vector<std::int64_t> got(targets.size());
  const auto run = [&](const kernels::KernelTable& table, int threads,
                       std::vector<std::int64_t>& out) {
    measure::count_better(*store, table, base::Ranking::euclidean, users.view(), offsets, targets,
                          threads, out.data());
  };
  run(kernels::reference_table(), 1, expected);
  for (const kernels::KernelTable* table : kernels::runnable_tables()) {
    run(*table, 2, got);
    CHECK(got == expected);
  }
}
