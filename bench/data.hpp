// Data for the benchmarks: a file of real embeddings, or Gaussian rows.
#pragma once

#include <cstddef>
#include <vector>

namespace maxdot::bench {

struct Data {
  std::vector<float> items;
  std::vector<float> queries;
  std::size_t n = 0;
  std::size_t d = 0;
  std::size_t nq = 0;
};

/// Unit rows. Items come from the file that MAXDOT_BENCH_ITEMS names (.npy, .fvecs, .fbin), or are
/// `n` x `d` Gaussian. Queries are items of the file (evenly spread) or Gaussian; `nq` of them.
Data load(std::size_t n, std::size_t d, std::size_t nq);

}  // namespace maxdot::bench
