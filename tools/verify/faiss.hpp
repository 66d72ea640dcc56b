// The part of `maxdot verify` that runs FAISS on the same rows and judges what it returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "judge/brute.hpp"
#include "verify/data.hpp"
#include "verify/explain.hpp"

namespace maxdot::tools {

/// What FAISS is asked. Everything referred to must outlive the call.
struct FaissTask {
  const Rows& unit_items;
  const Rows& unit_queries;
  const judge::Contest& unit_contest;  ///< cosine of unit rows, zero items left out
  const judge::Truth& unit_truth;
  const Rows& raw_items;
  const Rows& raw_queries;
  const judge::Contest& dot_contest;
  const judge::Truth& dot_truth;
  const judge::Contest& euclidean_contest;
  const judge::Truth& euclidean_truth;
  std::size_t nlist = 0;  ///< lists of IndexIVFFlat; 0 leaves IVF out
  std::uint64_t seed = 0;
};

/// One setting of IndexIVFFlat.
struct IvfStep {
  std::size_t nprobe = 0;
  double recall = 0.0;  ///< mean share of the true top k that it found
};

/// IndexIVFFlat from one probe up to all lists.
struct IvfSweep {
  FaissScore measure = FaissScore::inner_product;
  std::size_t nlist = 0;
  std::vector<IvfStep> steps;
  Explanation full;  ///< nprobe = nlist, against the truth
  std::uint64_t positions = 0;
  std::uint64_t same_as_flat = 0;  ///< nprobe = nlist: positions that hold IndexFlat's item
};

struct FaissReport {
  std::string version;
  Explanation unit_inner_product;  ///< IndexFlatIP on unit rows
  Explanation unit_distance;       ///< IndexFlatL2 on unit rows
  std::uint64_t positions = 0;
  std::uint64_t positions_ip_l2_differ = 0;  ///< FAISS against itself
  std::uint64_t queries_ip_l2_differ = 0;
  std::size_t asked_alone = 0;  ///< queries asked once more, one by one
  std::size_t alone_ip_differ = 0;
  std::size_t alone_l2_differ = 0;
  std::vector<IvfSweep> ivf;
  Explanation raw_inner_product;
  Explanation raw_distance;

  bool explained() const noexcept;
};

/// Runs FAISS; nothing if its module is not beside the command. `finished` is told how many of
/// `faiss_steps` are done. Throws Failure (unsupported) where FAISS throws.
std::optional<FaissReport> run_faiss(const FaissTask& task,
                                     const std::function<void(std::size_t)>& finished);

/// How many steps run_faiss will report.
std::size_t faiss_steps(const FaissTask& task);

/// The number of lists that suits `items` rows: about 4·√n, at least 39 rows to a list as FAISS
/// wants for training, at most 4,096 so that training stays short.
std::size_t default_nlist(std::size_t items);

}  // namespace maxdot::tools
