#include "verify/data.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "judge/arithmetic.hpp"
#include "judge/widen.hpp"
#include "maxdot/io.hpp"

namespace maxdot::tools {
namespace {

double norm(const float* row, std::size_t d) noexcept {
  return judge::documented_length(row, d).norm;
}

bool is_zero(const float* row, std::size_t d) noexcept {
  return std::all_of(row, row + d, [](float value) { return value == 0.0F; });
}

}  // namespace

Rows load_rows(const std::string& path) {
  const Matrix matrix = MatrixFile::open(path).read_all();
  Rows rows{std::vector<float>(matrix.rows() * matrix.cols()), matrix.rows(), matrix.cols()};
  for (std::size_t r = 0; r < rows.rows; ++r) judge::widen_row(matrix.view(), r, rows.row(r));
  return rows;
}

std::vector<std::size_t> sample_rows(std::size_t n, std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<std::size_t> chosen;
  chosen.reserve(count);
  // Selection sampling: row i is taken with probability (still needed) / (still to come). The
  // distribution classes of <random> are not used because their output differs between standard
  // libraries.
  for (std::size_t i = 0; chosen.size() < count; ++i) {
    if (random() % (n - i) < count - chosen.size()) chosen.push_back(i);
  }
  return chosen;
}

Rows take_rows(const Rows& from, const std::vector<std::size_t>& which) {
  Rows rows{std::vector<float>(which.size() * from.cols), which.size(), from.cols};
  for (std::size_t r = 0; r < which.size(); ++r)
    std::copy_n(from.row(which[r]), from.cols, rows.row(r));
  return rows;
}

Rows unit_rows(const Rows& from) {
  Rows rows = from;
  for (std::size_t r = 0; r < rows.rows; ++r) {
    float* row = rows.row(r);
    if (is_zero(row, rows.cols)) continue;
    const double length = norm(row, rows.cols);
    for (std::size_t j = 0; j < rows.cols; ++j)
      row[j] = static_cast<float>(static_cast<double>(row[j]) / length);
  }
  return rows;
}

std::vector<std::size_t> nonzero_rows(const Rows& from) {
  std::vector<std::size_t> which;
  which.reserve(from.rows);
  for (std::size_t r = 0; r < from.rows; ++r) {
    if (!is_zero(from.row(r), from.cols)) which.push_back(r);
  }
  return which;
}

double largest_norm_error(const Rows& from) {
  double largest = 0.0;
  for (std::size_t r = 0; r < from.rows; ++r) {
    if (is_zero(from.row(r), from.cols)) continue;
    largest = std::max(largest, std::abs(norm(from.row(r), from.cols) - 1.0));
  }
  return largest;
}

}  // namespace maxdot::tools
