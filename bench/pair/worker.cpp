// One side of a paired measurement: builds an index of the data named, then answers each line "KIND
// QUERIES K THREADS" of standard input with the seconds of one call. pair.py compiles this file
// against the libraries of two commits and asks them in turn, so it uses nothing but the public API
// that both have.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <iostream>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "maxdot/maxdot.hpp"

namespace {

using namespace maxdot;

constexpr std::size_t kQueries = 2048;
/// Calls are repeated until they have taken so long.
constexpr double kLeastSeconds = 0.15;

// Older commits have overloads of search and search_multi instead.
template <typename AnyIndex>
void search_into(const AnyIndex& index, const MatrixView& queries, std::size_t k,
                 const ResultView& out, const SearchOptions& options) {
  if constexpr (requires { index.search_into(queries, k, out, options); }) {
    index.search_into(queries, k, out, options);
  } else {
    index.search(queries, k, out, options);
  }
}

template <typename AnyIndex>
void search_multi_into(const AnyIndex& index, const MatrixView& interests, std::size_t per_user,
                       std::size_t k, const ResultView& out, const SearchOptions& options) {
  if constexpr (requires { index.search_multi_into(interests, per_user, k, out, options); }) {
    index.search_multi_into(interests, per_user, k, out, options);
  } else {
    index.search_multi(interests, per_user, k, out, options);
  }
}

struct Rows {
  std::vector<float> values;
  std::size_t rows = 0;
  std::size_t cols = 0;
  float* row(std::size_t r) { return values.data() + r * cols; }
  MatrixView view(std::size_t begin, std::size_t count) const {
    return MatrixView::f32(values.data() + begin * cols, count, cols);
  }
};

Rows gaussian(std::size_t rows, std::size_t cols, unsigned seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  Rows made{std::vector<float>(rows * cols), rows, cols};
  for (float& value : made.values) value = normal(engine);
  return made;
}

void normalise(Rows& rows) {
  for (std::size_t r = 0; r < rows.rows; ++r) {
    double square = 0.0;
    for (std::size_t j = 0; j < rows.cols; ++j)
      square += static_cast<double>(rows.row(r)[j]) * rows.row(r)[j];
    if (square == 0.0) continue;
    for (std::size_t j = 0; j < rows.cols; ++j)
      rows.row(r)[j] *= static_cast<float>(1.0 / std::sqrt(square));
  }
}

/// Rows around 1,000 centres, or around one; rows that repeat; rows that are all alike.
Rows clustered(std::size_t rows, std::size_t cols, std::size_t centres, float width) {
  Rows made = gaussian(rows, cols, 1);
  Rows centre = gaussian(centres, cols, 2);
  for (std::size_t r = 0; r < rows; ++r) {
    for (std::size_t j = 0; j < cols; ++j) {
      made.row(r)[j] = centre.row(r * 2654435761U % centres)[j] + width * made.row(r)[j];
    }
  }
  return made;
}

Rows from_file(const std::string& path) {
  const MatrixFile file = MatrixFile::open(path);
  const Index read = Index::build(file.read_all());
  Rows made{std::vector<float>(read.size() * read.dimension()), read.size(), read.dimension()};
  for (std::size_t r = 0; r < made.rows; ++r) read.item_row(r, made.row(r));
  return made;
}

Rows items_of(const std::string& data) {
  if (data == "gaussian") return gaussian(1'000'000, 128, 1);
  if (data == "clustered") return clustered(3'000'000, 64, 1000, 0.5F);
  if (data == "one-cluster") return clustered(200'000, 64, 1, 0.1F);
  if (data == "tight-cluster") return clustered(200'000, 64, 1, 1e-4F);
  if (data == "duplicates") return clustered(200'000, 64, 50, 0.0F);
  if (data == "constant") return {std::vector<float>(200'000 * 64, 0.5F), 200'000, 64};
  return from_file(data);
}

/// Near items, so that thresholds are those of real searches; independent of the items where those
/// tell nothing.
Rows queries_of(const std::string& data, Rows& items) {
  Rows queries = gaussian(kQueries, items.cols, 3);
  if (data != "clustered" && data.find('.') == std::string::npos) return queries;
  std::mt19937_64 engine(4);
  for (std::size_t q = 0; q < kQueries; ++q) {
    const float* near = items.row(engine() % items.rows);
    for (std::size_t j = 0; j < items.cols; ++j)
      queries.row(q)[j] = near[j] + 0.02F * queries.row(q)[j];
  }
  return queries;
}

/// Filters of a kind, in memory of their own.
struct Given {
  std::vector<std::int64_t> offsets;
  std::vector<std::int64_t> ids;
  std::vector<std::uint8_t> mask;

  Given(const std::string& kind, std::size_t queries, std::size_t items) {
    std::mt19937_64 engine(5);
    const std::size_t length = kind == "exclude" ? 100 : kind == "allow" ? 1000 : 0;
    if (kind == "mask") {
      for (std::size_t r = 0; r < items; ++r)
        mask.push_back(static_cast<std::uint8_t>(engine() & 1U));
    }
    if (length == 0) return;
    offsets.push_back(0);
    for (std::size_t q = 0; q < queries; ++q) {
      for (std::size_t i = 0; i < length; ++i)
        ids.push_back(static_cast<std::int64_t>(engine() % items));
      offsets.push_back(static_cast<std::int64_t>(ids.size()));
    }
  }

  Filters filters(const std::string& kind) const {
    Filters made;
    if (kind == "exclude") made.exclude = {offsets, ids};
    if (kind == "allow") made.allow = {offsets, ids};
    if (kind == "mask") made.item_mask = mask;
    return made;
  }
};

double seconds_of(const Index& index, const Rows& queries, const std::string& kind,
                  std::size_t count, std::size_t k, int threads) {
  std::vector<std::int64_t> ids(count * k);
  std::vector<std::int64_t> counts(count);
  std::vector<double> scores(count * k);
  const ResultView out{ids.data(), scores.data(), counts.data()};
  const Given given(kind, count, index.size());
  const SearchOptions options = {.threads = threads, .filters = given.filters(kind)};
  // A range as wide as k results of the first query.
  const double threshold = index.search(queries.view(0, 1), k).scores[k - 1];
  double total = 0.0;
  std::size_t calls = 0;
  while (calls < 2 || total < kLeastSeconds) {
    const MatrixView view = queries.view(calls * count % (kQueries - count + 1), count);
    const auto begin = std::chrono::steady_clock::now();
    if (kind == "range") {
      index.search_range(view, std::vector<double>{threshold}, options);
    } else if (kind == "multi") {
      search_multi_into(index, view, 4, k, out, options);
    } else {
      search_into(index, view, k, out, options);
    }
    total += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    ++calls;
  }
  return total / static_cast<double>(calls);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) throw std::invalid_argument("worker DATA");
  const std::string data = arguments[1];
  Rows items = items_of(data);
  const bool worst =
      data == "constant" || data == "duplicates" || data.find("cluster") == data.size() - 7;
  if (!worst) normalise(items);
  Rows queries = queries_of(data, items);
  if (!worst) normalise(queries);
  const Index index = Index::build(items.view(0, items.rows), {.metric = Metric::dot});
  std::vector<float>().swap(items.values);
  std::cout << "ready" << std::endl;
  std::string kind;
  std::size_t asked = 0;
  std::size_t k = 0;
  int threads = 0;
  while (std::cin >> kind >> asked >> k >> threads) {
    std::cout << seconds_of(index, queries, kind, asked, k, threads) << std::endl;
  }
  return 0;
}
