// Brute force in f64: the definition of a right answer.

#include "maxdot/reference.hpp"

#include <algorithm>
#include <string>
#include <vector>

#include "api/index_parts.hpp"
#include "base/entry.hpp"
#include "base/f16.hpp"
#include "base/float_environment.hpp"
#include "base/parallel.hpp"
#include "base/score.hpp"
#include "kernels/kernels.hpp"
#include "maxdot/error.hpp"
#include "store/encode.hpp"

namespace maxdot {
inline namespace v0_1 {
namespace reference {
namespace {

std::vector<float> as_f32(const MatrixView& view) {
  std::vector<float> out(view.rows * view.cols);
  for (std::size_t r = 0; r < view.rows; ++r) {
    base::to_f32(view.row(r), view.dtype, view.cols, out.data() + r * view.cols);
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
  for (std::size_t r = 0; r < squares.size(); ++r)
    squares[r] = specified_dot64(&rows[r * d], &rows[r * d], d);
  return squares;
}

}  // namespace

double dot64(const float* q, const float* x, std::size_t d) noexcept {
  return base::in_default_environment([&] { return specified_dot64(q, x, d); });
}

Score score(const float* q, const float* x, std::size_t d, Metric metric, bool normalize) noexcept {
  return base::in_default_environment([&] {
    const double key =
        base::ranking_key(base::ranking_of(metric, normalize), specified_dot64(q, x, d),
                          specified_dot64(q, q, d), specified_dot64(x, x, d));
    return Score{key, base::reported_score(metric, normalize, key)};
  });
}

SearchResult top_k(const MatrixView& items, const MatrixView& queries, std::size_t k, Metric metric,
                   bool normalize, const std::int64_t* ids, int threads) {
  const auto no_memory = [] {
    return std::string("no memory for the brute force; use fewer items or queries");
  };
  return base::entry(no_memory, [&] {
    const int workers = api::checked_threads(threads);
    api::checked_metric(metric);
    store::check_matrix(items, "items", workers);
    store::check_matrix(queries, "queries", workers);
    api::check_dimension(queries, "queries", items.cols);
    const std::vector<float> x = as_f32(items);
    const std::vector<float> q = as_f32(queries);
    const std::size_t d = items.cols;
    SearchResult result = api::room_for(queries.rows, k);
    std::fill(result.ids.begin(), result.ids.end(), -1);
    std::fill(result.scores.begin(), result.scores.end(), base::worst_score(metric));
    std::fill(result.counts.begin(), result.counts.end(),
              static_cast<std::int64_t>(std::min(k, items.rows)));
    const std::vector<double> x_squares = squares_of(x, d);
    const std::vector<double> q_squares = squares_of(q, d);
    const base::Ranking ranking = base::ranking_of(metric, normalize);
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
      std::partial_sort(all.begin(), all.begin() + count, all.end(),
                        [](const Candidate& a, const Candidate& b) {
                          return a.key > b.key || (a.key == b.key && a.id < b.id);
                        });
      for (std::ptrdiff_t i = 0; i < count; ++i) {
        const Candidate& c = all[static_cast<std::size_t>(i)];
        result.ids[r * k + static_cast<std::size_t>(i)] = c.id;
        result.scores[r * k + static_cast<std::size_t>(i)] =
            base::reported_score(metric, normalize, c.key);
      }
    });
    return result;
  });
}

}  // namespace reference
}  // namespace v0_1
}  // namespace maxdot
