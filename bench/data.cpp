#include "data.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <random>

#include "maxdot/maxdot.hpp"

namespace maxdot::bench {
namespace {

void normalise(std::vector<float>& rows, std::size_t d) {
  for (std::size_t r = 0; r < rows.size() / d; ++r) {
    double square = 0;
    for (std::size_t j = 0; j < d; ++j)
      square += static_cast<double>(rows[r * d + j]) * static_cast<double>(rows[r * d + j]);
    const double norm = square > 0 ? std::sqrt(square) : 1.0;
    for (std::size_t j = 0; j < d; ++j)
      rows[r * d + j] = static_cast<float>(static_cast<double>(rows[r * d + j]) / norm);
  }
}

std::vector<float> gaussian(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(count);
  for (float& value : values) value = normal(engine);
  return values;
}

}  // namespace

Data load(std::size_t n, std::size_t d, std::size_t nq) {
  Data data;
  data.nq = nq;
  if (const char* path = std::getenv("MAXDOT_BENCH_ITEMS"); path != nullptr && *path != '\0') {
    // The index widens f16 exactly, so it serves as the reader.
    const Index index = Index::build(MatrixFile::open(path).read_all());
    data.n = index.size();
    data.d = index.dimension();
    data.items.resize(data.n * data.d);
    for (std::size_t r = 0; r < data.n; ++r) index.item_row(r, &data.items[r * data.d]);
    for (std::size_t q = 0; q < nq; ++q) {
      const float* row = &data.items[q * data.n / nq * data.d];
      data.queries.insert(data.queries.end(), row, row + data.d);
    }
  } else {
    data.n = n;
    data.d = d;
    data.items = gaussian(n * d, 1);
    data.queries = gaussian(nq * d, 2);
  }
  normalise(data.items, data.d);
  normalise(data.queries, data.d);
  return data;
}

}  // namespace maxdot::bench
