// Brute force in f64: the definition of a right answer.

#include "maxdot/reference.hpp"

#include <algorithm>
#include <new>
#include <vector>

#include "base/f16.hpp"
#include "base/float_environment.hpp"
#include "base/parallel.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"

namespace maxdot::reference {
namespace {

std::vector<float> as_f32(const MatrixView& view) {
  std::vector<float> out(view.rows * view.cols);
  for (std::size_t r = 0; r < view.rows; ++r) {
    for (std::size_t c = 0; c < view.cols; ++c) {
      out[r * view.cols + c] = view.dtype == DType::f32
                                   ? static_cast<const float*>(view.row(r))[c]
                                   : base::f16_to_f32(static_cast<const std::uint16_t*>(view.row(r))[c]);
    }
  }
  return out;
}

struct Candidate {
  double key;
  std::int64_t id;
};

double specified_dot64(const float* q, const float* x, std::size_t d) noexcept {
  return kernels::reference_table().dot64[0](q, x, d);
}

std::vector<double> squares_of(const std::vector<float>& rows, std::size_t d) {
  std::vector<double> squares(rows.size() / d);
  for (std::size_t r = 0; r < squares.size(); ++r) squares[r] = specified_dot64(&rows[r * d], &rows[r * d], d);
  return squares;
}

SearchResult brute_force(const MatrixView& items, const MatrixView& queries, std::size_t k, Metric metric,
                         bool normalize, const std::int64_t* ids, int threads) {
  const std::vector<float> x = as_f32(items);
  const std::vector<float> q = as_f32(queries);
  const std::size_t d = items.cols;
  SearchResult result;
  result.queries = queries.rows;
  result.k = k;
  result.ids.assign(queries.rows * k, -1);
  result.scores.assign(queries.rows * k, base::worst_score(metric));
  result.counts.assign(queries.rows, static_cast<std::int64_t>(std::min(k, items.rows)));
  const std::vector<double> x_squares = squares_of(x, d);
  const std::vector<double> q_squares = squares_of(q, d);
  const base::Ranking ranking = base::ranking_of(metric, normalize);
  const int workers = base::resolve_threads(threads);
  std::vector<std::vector<Candidate>> scratch(static_cast<std::size_t>(workers));
  for (auto& candidates : scratch) candidates.resize(items.rows);
  base::parallel_for(queries.rows, workers, [&](std::size_t r, int worker) noexcept {
    std::vector<Candidate>& all = scratch[static_cast<std::size_t>(worker)];
    for (std::size_t i = 0; i < items.rows; ++i) {
      const double dot = specified_dot64(&q[r * d], &x[i * d], d);
      all[i] = {base::ranking_key(ranking, dot, q_squares[r], x_squares[i]),
                ids != nullptr ? ids[i] : static_cast<std::int64_t>(i)};
    }
    const auto count = static_cast<std::ptrdiff_t>(result.counts[r]);
    std::partial_sort(all.begin(), all.begin() + count, all.end(), [](const Candidate& a, const Candidate& b) {
      return a.key > b.key || (a.key == b.key && a.id < b.id);
    });
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const Candidate& c = all[static_cast<std::size_t>(i)];
      result.ids[r * k + static_cast<std::size_t>(i)] = c.id;
      result.scores[r * k + static_cast<std::size_t>(i)] = base::reported_score(metric, normalize, c.key);
    }
  });
  return result;
}

}  // namespace

double dot64(const float* q, const float* x, std::size_t d) noexcept {
  return base::in_default_environment([&] { return specified_dot64(q, x, d); });
}

Score score(const float* q, const float* x, std::size_t d, Metric metric, bool normalize) noexcept {
  return base::in_default_environment([&] {
    const double key = base::ranking_key(base::ranking_of(metric, normalize), specified_dot64(q, x, d),
                                         specified_dot64(q, q, d), specified_dot64(x, x, d));
    return Score{key, base::reported_score(metric, normalize, key)};
  });
}

SearchResult top_k(const MatrixView& items, const MatrixView& queries, std::size_t k, Metric metric, bool normalize,
                   const std::int64_t* ids, int threads) {
  try {
    return base::in_default_environment(
        [&] { return brute_force(items, queries, k, metric, normalize, ids, threads); });
  } catch (const std::bad_alloc&) {
    throw Error(ErrorCode::out_of_memory, "not enough memory for the brute force; use fewer items or queries");
  }
}

}  // namespace maxdot::reference
