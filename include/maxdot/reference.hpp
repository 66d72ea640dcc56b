// The specification of scores and order, in the plainest code there is. Slow on purpose; every fast
// path is tested against it, and `maxdot verify` runs it on the user's own data.
#pragma once

#include <cstddef>
#include <cstdint>

#include "maxdot/index.hpp"
#include "maxdot/types.hpp"

#pragma GCC visibility push(default)
namespace maxdot {
inline namespace v0_1 {
namespace reference {

/// Σ q[j]·x[j] in f64: lane l sums the products j ≡ l (mod 8) in ascending j, then
/// ((l0+l4)+(l2+l6)) + ((l1+l5)+(l3+l7)). This one order defines every score.
double dot64(const float* q, const float* x, std::size_t d) noexcept;

/// The score that results report, and the key that orders them (larger key = better, ties by
/// smaller id).
struct Score {
  double key;
  double reported;
};

/// Score of one pair. `normalize` treats both as unit vectors. A zero vector has cosine 0 with
/// everything.
Score score(const float* q, const float* x, std::size_t d, Metric metric, bool normalize) noexcept;

/// Brute force in f64 over all items: the definition of a right answer. Shapes as in Index::search;
/// `ids` is null or has one for each item. O(queries · items · d), at a few GMAC/s per thread.
/// Throws Error as Index::build and Index::search do.
SearchResult top_k(const MatrixView& items, const MatrixView& queries, std::size_t k, Metric metric,
                   bool normalize, const std::int64_t* ids = nullptr, int threads = 0);

}  // namespace reference
}  // namespace v0_1
}  // namespace maxdot
#pragma GCC visibility pop
