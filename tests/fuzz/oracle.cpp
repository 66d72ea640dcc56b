#include "oracle.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace oracle {
namespace {

double decode_half(std::uint16_t half) {
  const int exponent = (half >> 10) & 31;
  const int fraction = half & 1023;
  const double magnitude =
      exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25);
  return (half & 0x8000) != 0 ? -magnitude : magnitude;
}

std::vector<double> decode(const Matrix& matrix) {
  std::vector<double> values(matrix.rows * matrix.cols);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] =
        matrix.f32 != nullptr ? static_cast<double>(matrix.f32[i]) : decode_half(matrix.f16[i]);
  }
  return values;
}

// Eight lanes, each in ascending order; then pairs four apart, two apart, one apart.
double dot64(const double* a, const double* b, std::size_t d) {
  double lane[8] = {0, 0, 0, 0, 0, 0, 0, 0};
  std::size_t j = 0;
  for (; j + 8 <= d; j += 8) {
    for (std::size_t l = 0; l < 8; ++l) lane[l] += a[j + l] * b[j + l];
  }
  for (std::size_t l = 0; j + l < d; ++l) lane[l] += a[j + l] * b[j + l];
  const double even = (lane[0] + lane[4]) + (lane[2] + lane[6]);
  const double odd = (lane[1] + lane[5]) + (lane[3] + lane[7]);
  return even + odd;
}

std::vector<double> squares(const std::vector<double>& values, std::size_t rows, std::size_t d) {
  std::vector<double> result(rows);
  for (std::size_t r = 0; r < rows; ++r)
    result[r] = dot64(values.data() + r * d, values.data() + r * d, d);
  return result;
}

bool before(const Ranked& a, const Ranked& b) {
  if (a.key > b.key) return true;
  if (a.key < b.key) return false;
  return a.id < b.id;
}

void keep_best(std::vector<Ranked>& all, std::size_t k) {
  if (k < all.size()) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(k), all.end(), before);
    all.resize(k);
  }
  std::sort(all.begin(), all.end(), before);
}

}  // namespace

Oracle::Oracle(const Matrix& items, const std::int64_t* ids, const Matrix& queries, Metric metric,
               bool normalized, const Filters& filters)
    : items_(items.rows),
      dimension_(items.cols),
      ids_(ids),
      metric_(metric),
      normalized_(normalized),
      filters_(filters),
      rows_(decode(items)),
      queries_(decode(queries)),
      row_squares_(squares(rows_, items.rows, items.cols)),
      query_squares_(squares(queries_, queries.rows, items.cols)) {
  if (ids != nullptr) {
    for (std::size_t r = 0; r < items_; ++r) by_id_.push_back(r);
    std::sort(by_id_.begin(), by_id_.end(),
              [ids](std::size_t a, std::size_t b) { return ids[a] < ids[b]; });
  }
}

std::int64_t Oracle::id_of(std::size_t row) const noexcept {
  return ids_ != nullptr ? ids_[row] : static_cast<std::int64_t>(row);
}

std::size_t Oracle::row_of(std::int64_t id) const noexcept {
  if (ids_ == nullptr)
    return id >= 0 && static_cast<std::uint64_t>(id) < items_ ? static_cast<std::size_t>(id)
                                                              : items_;
  const auto at =
      std::lower_bound(by_id_.begin(), by_id_.end(), id,
                       [this](std::size_t row, std::int64_t wanted) { return ids_[row] < wanted; });
  return at != by_id_.end() && ids_[*at] == id ? *at : items_;
}

double Oracle::dot(std::size_t query, std::size_t row) const noexcept {
  return dot64(queries_.data() + query * dimension_, rows_.data() + row * dimension_, dimension_);
}

Ranked Oracle::pair(std::size_t query, std::size_t row) const noexcept {
  const double product = dot(query, row);
  double key = product;
  if (normalized_ || metric_ == Metric::cosine) {
    const bool zero = query_squares_[query] == 0 || row_squares_[row] == 0;
    key = zero ? 0 : product / (std::sqrt(query_squares_[query]) * std::sqrt(row_squares_[row]));
  } else if (metric_ == Metric::euclidean) {
    const double square = query_squares_[query] + row_squares_[row] - 2 * product;
    key = square <= 0 ? 0 : -square;
  }
  return {key, score_of(key), id_of(row)};
}

double Oracle::score_of(double key) const noexcept {
  if (metric_ != Metric::euclidean) return key;
  return std::sqrt(std::max(0.0, normalized_ ? 2 - 2 * key : -key));
}

bool Oracle::is_zero(std::size_t query) const noexcept {
  const double* values = queries_.data() + query * dimension_;
  return std::all_of(values, values + dimension_, [](double value) { return value == 0; });
}

void Oracle::mark(std::vector<char>& rows, const Lists& lists, std::size_t owner,
                  char value) const {
  for (std::int64_t i = lists.offsets[owner]; i < lists.offsets[owner + 1]; ++i) {
    const std::size_t row = row_of(lists.ids[i]);
    if (row != items_) rows[row] = value;
  }
}

std::vector<char> Oracle::permitted(std::size_t owner) const {
  std::vector<char> result(items_, filters_.allow.offsets == nullptr ? 1 : 0);
  if (filters_.allow.offsets != nullptr) mark(result, filters_.allow, owner, 1);
  if (filters_.exclude.offsets != nullptr) mark(result, filters_.exclude, owner, 0);
  for (std::size_t r = 0; filters_.mask != nullptr && r < items_; ++r) {
    if (filters_.mask[r] == 0) result[r] = 0;
  }
  return result;
}

std::vector<Ranked> Oracle::best(std::size_t query, std::size_t k) const {
  const std::vector<char> may = permitted(query);
  std::vector<Ranked> all;
  for (std::size_t r = 0; r < items_; ++r) {
    if (may[r] != 0) all.push_back(pair(query, r));
  }
  keep_best(all, k);
  return all;
}

std::vector<Ranked> Oracle::within(std::size_t query, double threshold) const {
  const std::vector<char> may = permitted(query);
  std::vector<Ranked> all;
  for (std::size_t r = 0; r < items_; ++r) {
    if (may[r] == 0) continue;
    const Ranked item = pair(query, r);
    if (metric_ == Metric::euclidean ? item.score <= threshold : item.score >= threshold)
      all.push_back(item);
  }
  keep_best(all, all.size());
  return all;
}

std::vector<Ranked> Oracle::best_of_user(std::size_t user, std::size_t per_user,
                                         std::size_t k) const {
  const std::vector<char> may = permitted(user);
  std::vector<Ranked> all;
  for (std::size_t r = 0; r < items_; ++r) {
    if (may[r] == 0) continue;
    bool scored = false;
    Ranked best = {};
    for (std::size_t q = user * per_user; q < (user + 1) * per_user; ++q) {
      if (is_zero(q)) continue;
      const Ranked item = pair(q, r);
      if (!scored || item.key > best.key) best = item;
      scored = true;
    }
    if (scored) all.push_back(best);
  }
  keep_best(all, k);
  return all;
}

std::vector<std::int64_t> Oracle::places(std::size_t query, const std::int64_t* ids,
                                         std::size_t count) const {
  std::vector<std::int64_t> result(count, 0);
  const std::vector<Ranked> all = best(query, items_);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t p = 0; p < all.size() && result[i] == 0; ++p) {
      if (all[p].id == ids[i]) result[i] = static_cast<std::int64_t>(p) + 1;
    }
  }
  return result;
}

double Oracle::logit(std::size_t query, std::size_t row, double temperature,
                     const double* log_q) const {
  return pair(query, row).key / temperature - (log_q != nullptr ? log_q[row] : 0);
}

long double Oracle::log_partition(std::size_t query, double temperature, const double* log_q,
                                  std::size_t left_out) const {
  std::vector<double> logits;
  for (std::size_t r = 0; r < items_; ++r) {
    if (r != left_out) logits.push_back(logit(query, r, temperature, log_q));
  }
  if (logits.empty()) return -std::numeric_limits<long double>::infinity();
  const long double largest = *std::max_element(logits.begin(), logits.end());
  long double sum = 0;
  for (const double value : logits) sum += std::exp(value - largest);
  return largest + std::log(sum);
}

double Oracle::largest_size(std::size_t query, double temperature) const {
  if (normalized_ || metric_ == Metric::cosine) return 1 / temperature;
  double largest = 0;
  for (const double square : row_squares_) largest = std::max(largest, square);
  return std::sqrt(query_squares_[query]) * std::sqrt(largest) / temperature;
}

}  // namespace oracle
