// The oracle: what docs/exactness.md says, written a second time. It sees plain arrays and shares
// no code with the library, so a mistake in the library's own specification (kernels/reference.cpp,
// base/score.hpp, base/f16.hpp) shows as well. tests/check_layers.py makes sure that it includes
// nothing but the standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace oracle {

enum class Metric { dot, cosine, euclidean };

/// Packed rows; one of the two pointers is used.
struct Matrix {
  const float* f32 = nullptr;
  const std::uint16_t* f16 = nullptr;
  std::size_t rows = 0;
  std::size_t cols = 0;
};

/// Owner u has ids[offsets[u] .. offsets[u + 1]). No offsets: no lists are given.
struct Lists {
  const std::int64_t* offsets = nullptr;
  const std::int64_t* ids = nullptr;
};

struct Filters {
  Lists exclude = {};
  Lists allow = {};
  const std::uint8_t* mask = nullptr;  ///< [items], or null
};

struct Ranked {
  double key;
  double score;
  std::int64_t id;
};

class Oracle {
 public:
  /// `ids` is null if an item's row is its id. Filters have a list for each query, or for each user
  /// of best_of_user. What is pointed to must outlive the oracle, except the rows.
  Oracle(const Matrix& items, const std::int64_t* ids, const Matrix& queries, Metric metric,
         bool normalized, const Filters& filters);

  std::size_t items() const noexcept { return items_; }

  /// The k best, best first; fewer if fewer are permitted.
  std::vector<Ranked> best(std::size_t query, std::size_t k) const;
  /// All that reach the threshold, best first.
  std::vector<Ranked> within(std::size_t query, double threshold) const;
  /// The k best by the largest key over the user's interests, those queries [user * per_user, (user
  /// + 1) * per_user) that are not zero.
  std::vector<Ranked> best_of_user(std::size_t user, std::size_t per_user, std::size_t k) const;
  /// Places from 1 of the ids; 0 for an id that is not there or not permitted.
  std::vector<std::int64_t> places(std::size_t query, const std::int64_t* ids,
                                   std::size_t count) const;

  /// ln of the sum of e^(score / temperature - log_q[row]) over all items, whatever the filters,
  /// but the one in row `left_out`. -inf for no items.
  long double log_partition(std::size_t query, double temperature, const double* log_q,
                            std::size_t left_out) const;
  double logit(std::size_t query, std::size_t row, double temperature, const double* log_q) const;
  /// The largest |query| |item| / temperature, for cosine 1 / temperature: the S of
  /// docs/objectives.md.
  double largest_size(std::size_t query, double temperature) const;

  double dot(std::size_t query, std::size_t row) const noexcept;
  Ranked pair(std::size_t query, std::size_t row) const noexcept;
  /// Row of an item, or items() if there is none.
  std::size_t row_of(std::int64_t id) const noexcept;

 private:
  std::int64_t id_of(std::size_t row) const noexcept;
  double score_of(double key) const noexcept;
  bool is_zero(std::size_t query) const noexcept;
  std::vector<char> permitted(std::size_t owner) const;
  void mark(std::vector<char>& rows, const Lists& lists, std::size_t owner, char value) const;

  std::size_t items_;
  std::size_t dimension_;
  const std::int64_t* ids_;
  Metric metric_;
  bool normalized_;
  Filters filters_;
  std::vector<double> rows_;
  std::vector<double> queries_;
  std::vector<double> row_squares_;
  std::vector<double> query_squares_;
  std::vector<std::size_t> by_id_;  // rows in the order of their ids
};

}  // namespace oracle
