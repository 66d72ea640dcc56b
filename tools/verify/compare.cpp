#include "verify/compare.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "judge/arithmetic.hpp"

namespace maxdot::tools {
namespace {

bool same_bits(double a, double b) noexcept {
  return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

// A ranked list without an owner, so that truths and answers compare alike.
struct Lists {
  std::size_t queries;
  std::size_t k;
  const std::vector<std::int64_t>& ids;
  const std::vector<double>& scores;
};

Lists lists_of(const SearchResult& answer) noexcept {
  return {answer.queries, answer.k, answer.ids, answer.scores};
}
Lists lists_of(const judge::Truth& truth) noexcept {
  return {truth.queries, truth.k, truth.ids, truth.reported};
}

bool well_formed(const Lists& lists) noexcept {
  return lists.ids.size() == lists.queries * lists.k && lists.scores.size() == lists.ids.size();
}

Comparison compare(const Lists& left, const Lists& right, bool with_scores) {
  Comparison result;
  result.positions = right.queries * right.k;
  if (left.queries != right.queries || left.k != right.k || !well_formed(left) ||
      !well_formed(right)) {
    result.wrong_ids = std::max<std::uint64_t>(result.positions, 1);
    result.queries_differing = right.queries;
    return result;
  }
  for (std::size_t query = 0; query < right.queries; ++query) {
    bool differs = false;
    for (std::size_t position = 0; position < right.k; ++position) {
      const std::size_t at = query * right.k + position;
      const bool wrong_id = left.ids[at] != right.ids[at];
      const bool wrong_score =
          with_scores && !wrong_id && !same_bits(left.scores[at], right.scores[at]);
      if (!wrong_id && !wrong_score) continue;
      ++(wrong_id ? result.wrong_ids : result.wrong_scores);
      differs = true;
      if (!result.first) {
        result.first =
            Place{query, position, left.ids[at], right.ids[at], left.scores[at], right.scores[at]};
      }
    }
    if (differs) ++result.queries_differing;
  }
  return result;
}

bool every_count_is_k(const SearchResult& answer) noexcept {
  return answer.counts.size() == answer.queries &&
         std::all_of(answer.counts.begin(), answer.counts.end(), [&answer](std::int64_t count) {
           return count >= 0 && static_cast<std::size_t>(count) == answer.k;
         });
}

// Squared distance of the unit vectors of q and x, from their differences.
double square_by_differences(const float* q, const float* x, std::size_t d, double q_norm,
                             double x_norm) noexcept {
  double sum = 0.0;
  for (std::size_t j = 0; j < d; ++j) {
    const double difference =
        static_cast<double>(q[j]) / q_norm - static_cast<double>(x[j]) / x_norm;
    sum += difference * difference;
  }
  return sum;
}

double norm(const float* row, std::size_t d) noexcept {
  return judge::documented_length(row, d).norm;
}

}  // namespace

Comparison compare_with_truth(const SearchResult& answer, const judge::Truth& truth) {
  Comparison result = compare(lists_of(answer), lists_of(truth), true);
  // The caller asks for no more than there are items, so a count below k is a lost result.
  if (!every_count_is_k(answer)) result.wrong_ids = std::max<std::uint64_t>(result.positions, 1);
  return result;
}

Comparison compare_answers(const SearchResult& left, const SearchResult& right) {
  return compare(lists_of(left), lists_of(right), true);
}

Comparison compare_rankings(const SearchResult& left, const SearchResult& right) {
  return compare(lists_of(left), lists_of(right), false);
}

double mean_overlap(const std::vector<std::int64_t>& left, const std::vector<std::int64_t>& right,
                    std::size_t k) {
  if (left.empty() || left.size() != right.size()) return 0.0;
  std::size_t common = 0;
  std::vector<std::int64_t> a;
  std::vector<std::int64_t> b;
  for (std::size_t begin = 0; begin < left.size(); begin += k) {
    const auto offset = static_cast<std::ptrdiff_t>(begin);
    const auto length = static_cast<std::ptrdiff_t>(k);
    a.assign(left.begin() + offset, left.begin() + offset + length);
    b.assign(right.begin() + offset, right.begin() + offset + length);
    std::sort(a.begin(), a.end());
    std::sort(b.begin(), b.end());
    // A list that names an item twice, or the padding's −1, must not count it twice.
    a.erase(std::unique(a.begin(), a.end()), a.end());
    for (const std::int64_t id : a) {
      if (id >= 0 && std::binary_search(b.begin(), b.end(), id)) ++common;
    }
  }
  return static_cast<double>(common) / static_cast<double>(left.size());
}

Geometry check_geometry(const SearchResult& answer, const Rows& items, const Rows& queries) {
  const std::size_t d = items.cols;
  Geometry result;
  // Why 16·(d + 4) units in the last place: see "The long way round" in docs/verify.md.
  result.allowed =
      16.0 * (static_cast<double>(d) + 4.0) * (std::numeric_limits<double>::epsilon() / 2);
  std::vector<double> item_norms(items.rows);
  for (std::size_t r = 0; r < items.rows; ++r) item_norms[r] = norm(items.row(r), d);
  for (std::size_t query = 0; query < answer.queries; ++query) {
    const float* q = queries.row(query);
    const double q_norm = norm(q, d);
    for (std::size_t position = 0; position < answer.k; ++position) {
      const std::size_t at = query * answer.k + position;
      const std::int64_t id = answer.ids[at];
      if (id < 0 || static_cast<std::size_t>(id) >= items.rows)
        continue;  // counted as wrong by the comparison
      const auto r = static_cast<std::size_t>(id);
      if (q_norm == 0.0 || item_norms[r] == 0.0) continue;  // a zero vector has no unit vector
      const double direct = square_by_differences(q, items.row(r), d, q_norm, item_norms[r]);
      const double difference = std::abs(direct - answer.scores[at] * answer.scores[at]);
      ++result.pairs;
      result.largest = std::max(result.largest, difference);
      if (!(difference <= result.allowed)) ++result.outside;
    }
  }
  return result;
}

}  // namespace maxdot::tools
