// The LiveIndex as Python has it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "maxdot/index.hpp"
#include "maxdot/live_index.hpp"
#include "of_process.hpp"

namespace maxdot::python {

/// Searches are of its newest version.
class PythonLiveIndex {
 public:
  explicit PythonLiveIndex(LiveIndex&& index)
      : index_(std::make_unique<LiveIndex>(std::move(index))) {}

  /// Throws Error (unsupported) in a forked child.
  LiveIndex& here() const {
    return index_.here(
        "live index: this process was forked from the one that opened it; open the folder here, "
        "or use a snapshot from before");
  }

  void search_into(const MatrixView& queries, std::size_t k, const ResultView& out,
                   const SearchOptions& options) const {
    here().search_into(queries, k, out, options);
  }
  void search_multi_into(const MatrixView& interests, std::size_t per_user, std::size_t k,
                         const ResultView& out, const SearchOptions& options) const {
    here().search_multi_into(interests, per_user, k, out, options);
  }
  RangeResult search_range(const MatrixView& queries, std::span<const double> thresholds,
                           const SearchOptions& options) const {
    return here().search_range(queries, thresholds, options);
  }
  IndexInfo info() const { return here().snapshot().info(); }

 private:
  OfProcess<LiveIndex> index_;
};

}  // namespace maxdot::python
