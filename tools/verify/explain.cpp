#include "verify/explain.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_set>

#include "judge/arithmetic.hpp"

namespace maxdot::tools {
namespace {

// γ_n = n·u / (1 − n·u): what n roundings in a row can do to a term, relative to its size (Higham,
// lemma 3.1).
double gamma(std::size_t n, double unit) noexcept {
  const double nu = static_cast<double>(n) * unit;
  return nu / (1.0 - nu);
}

constexpr double kUnit32 = 0x1p-24;
constexpr double kUnit64 = 0x1p-53;

// An item as seen from one query. `merit` is its f64 score with the sign turned so that larger is
// better; FAISS's f32 score, with its sign turned alike, lies within `bound` of it.
struct Seen {
  double merit = 0.0;
  double bound = 0.0;
};

class Judge {
 public:
  Judge(FaissScore measure, const judge::Contest& contest, const Rows& items) noexcept
      : measure_(measure), contest_(contest), items_(&items) {}

  Seen see(const float* q, std::size_t item) const noexcept {
    const std::size_t d = items_->cols;
    const float* x = items_->row(item);
    const double dot = judge::documented_dot(q, x, d);
    const judge::Length q_length = judge::documented_length(q, d);
    const judge::Length x_length = judge::documented_length(x, d);
    const double key =
        judge::documented_key(contest_.metric, contest_.normalize, dot, q_length, x_length);
    double sizes = 0.0;
    for (std::size_t j = 0; j < d; ++j)
      sizes += std::abs(static_cast<double>(q[j]) * static_cast<double>(x[j]));

    double merit = key;
    double plain = dot;  // the merit that FAISS approximates: it does not divide by the norms
    std::size_t roundings = d;
    if (measure_ == FaissScore::squared_distance) {
      const double squares = q_length.square + x_length.square;
      merit = contest_.normalize ? -(2.0 - 2.0 * key) : key;
      plain = 2.0 * dot - squares;
      sizes = squares + 2.0 * sizes;
      roundings = d + 2;
    }
    // f32 rounding of FAISS, f64 rounding of dot64, and the norms' distance from 1 as it is. The
    // last term covers products that underflow in f32; the factor, the rounding of this very
    // expression.
    const double rounding = (gamma(roundings, kUnit32) + gamma(roundings, kUnit64)) * sizes;
    const double underflow = static_cast<double>(d) * 0x1p-147;
    return {merit, (rounding + std::abs(plain - merit) + underflow) * (1.0 + 0x1p-40)};
  }

  // FAISS's score as a merit.
  double merit_of(float score) const noexcept {
    const auto value = static_cast<double>(score);
    return measure_ == FaissScore::squared_distance ? -value : value;
  }

 private:
  FaissScore measure_;
  judge::Contest contest_;
  const Rows* items_;
};

double norm(const float* row, std::size_t d) noexcept {
  return judge::documented_length(row, d).norm;
}

// Whether FAISS's f32 sums for this query stay finite and, if norms are divided out, the query has
// a direction.
bool comparable(double q_norm, double largest_item_norm, const judge::Contest& contest) noexcept {
  if (contest.normalize && q_norm == 0.0) return false;
  // No partial sum of either measure exceeds (|q| + |x|)², by more than rounding: half the range is
  // room enough.
  const double reach = q_norm + largest_item_norm;
  return reach * reach < static_cast<double>(std::numeric_limits<float>::max()) / 2;
}

// Judges one query's list and adds it to `result`.
void explain_query(const Judge& judge, const FaissAnswer& answer, const judge::Truth& truth,
                   const Rows& items, const float* q, std::size_t query, Explanation& result) {
  std::unordered_set<std::int64_t> named;
  double widest_bound = 0.0;  // over both lists down to the position at hand
  bool differs = false;
  for (std::size_t position = 0; position < truth.k; ++position) {
    const std::size_t at = query * truth.k + position;
    Position place{query, position, answer.ids[at], truth.ids[at], 0.0, 0.0, Defect::order};
    const Seen right = judge.see(q, static_cast<std::size_t>(place.true_id));
    widest_bound = std::max(widest_bound, right.bound);
    ++result.positions;
    differs |= place.faiss_id != place.true_id;

    bool sound = false;
    if (place.faiss_id < 0 || static_cast<std::size_t>(place.faiss_id) >= items.rows) {
      place.defect = Defect::no_item;
    } else if (!named.insert(place.faiss_id).second) {
      place.defect = Defect::repeated;
    } else {
      const Seen held = judge.see(q, static_cast<std::size_t>(place.faiss_id));
      widest_bound = std::max(widest_bound, held.bound);
      const double error = std::abs(judge.merit_of(answer.scores[at]) - held.merit);
      if (held.bound > 0.0) result.bound_used = std::max(result.bound_used, error / held.bound);
      if (!(error <= held.bound)) {
        place.defect = Defect::score;
        place.gap = error;
        place.allowed = held.bound;
      } else {
        place.gap = std::abs(held.merit - right.merit);
        place.allowed = held.bound + widest_bound;
        sound = place.gap <= place.allowed;
      }
    }

    if (!sound) {
      ++result.unexplained;
      if (!result.first_unexplained) result.first_unexplained = place;
    } else if (place.faiss_id == place.true_id) {
      ++result.equal;
    } else {
      ++result.explained;
      if (!result.widest || place.gap > result.widest->gap) result.widest = place;
    }
  }
  if (differs) ++result.queries_differing;
}

}  // namespace

Explanation explain(const FaissAnswer& answer, FaissScore measure, const judge::Truth& truth,
                    const judge::Contest& contest, const Rows& items, const Rows& queries) {
  double largest_item_norm = 0.0;
  for (std::size_t r = 0; r < items.rows; ++r) {
    largest_item_norm = std::max(largest_item_norm, norm(items.row(r), items.cols));
  }
  const Judge judge(measure, contest, items);
  Explanation result;
  for (std::size_t query = 0; query < truth.queries; ++query) {
    const float* q = queries.row(query);
    if (comparable(norm(q, queries.cols), largest_item_norm, contest)) {
      explain_query(judge, answer, truth, items, q, query, result);
    } else {
      ++result.queries_left_out;
    }
  }
  return result;
}

}  // namespace maxdot::tools
