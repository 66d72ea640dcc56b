// The metrics of one user at many k, from one walk along the list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "maxdot/evaluate.hpp"

namespace maxdot::measure {

/// One user at one k: the values, and the number of hits that RecHub's "Hit" sums.
struct Cell {
  double hits = 0.0;
  evaluate::Values values;
};

/// The discounts 1 / log2(place + 1) of places 1 to `count`, and their running sums.
struct Discounts {
  explicit Discounts(std::size_t count);
  std::vector<double> at;
  std::vector<double> sum;
};

/// Memory for lists of up to `longest` relevant items; reused from user to user.
class UserMetrics {
 public:
  UserMetrics(const Discounts& discounts, std::size_t longest);

  /// Writes cells[i] for the i-th of `ks`, which ascend. Requires a relevant item, ks within the
  /// retrieved list.
  void measure(std::span<const std::int64_t> relevant, const std::int64_t* retrieved,
               std::span<const std::size_t> ks, evaluate::Convention convention,
               Cell* cells) noexcept;

 private:
  bool is_hit(std::int64_t id, evaluate::Convention convention) noexcept;

  const Discounts& discounts_;
  std::vector<std::int64_t> relevant_;  // sorted, unique
  std::vector<std::uint8_t> found_;
};

}  // namespace maxdot::measure
