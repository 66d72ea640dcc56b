#include "softmax/queries.hpp"

#include <cmath>

#include "bounds/query_row.hpp"

namespace maxdot::softmax {

void Queries::reserve(std::size_t count, std::size_t dimension) {
  stride_ = bounds::query_stride(dimension);
  values_.ensure(count * stride_, "queries");
  divided_.ensure(count * stride_, "queries");
  squares_.ensure(count, "queries");
  ordinary_.ensure(count, "queries");
}

void Queries::prepare(const Logits& logits, const MatrixView& queries, std::size_t row,
                      std::size_t q) noexcept {
  const std::size_t d = queries.cols;
  float* values = values_.data() + q * stride_;
  float* divided = divided_.data() + q * stride_;
  bounds::load_query(queries, row, values);
  const double square = logits.kernels.dot64[0](values, values, d);
  const bool cosine = logits.ranking == base::Ranking::cosine;
  // A zero vector has cosine 0 with everything, as it has dot product 0.
  const double divisor = (cosine && square > 0.0 ? std::sqrt(square) : 1.0) * logits.temperature;
  const double divided_square = square / divisor / divisor;
  squares_[q] = square;
  ordinary_[q] = divided_square <= kLargestSquare ? 1 : 0;
  for (std::size_t j = 0; j < d; ++j) {
    divided[j] =
        ordinary_[q] != 0 ? static_cast<float>(static_cast<double>(values[j]) / divisor) : 0.0F;
  }
}

}  // namespace maxdot::softmax
