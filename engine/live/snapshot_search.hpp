// The searches of a version: each part by itself, then the best of all parts.
#pragma once

#include <cstddef>
#include <span>

#include "live/version.hpp"
#include "maxdot/index.hpp"

namespace maxdot::live {

/// As those of Index, of the version's items. They check all that they are given. Throw Error,
/// std::bad_alloc.
void search(const Version& version, const MatrixView& queries, std::size_t k, const ResultView& out,
            const SearchOptions& options);
void search_multi(const Version& version, const MatrixView& interests, std::size_t per_user,
                  std::size_t k, const ResultView& out, const SearchOptions& options);
RangeResult search_range(const Version& version, const MatrixView& queries,
                         std::span<const double> thresholds, const SearchOptions& options);

}  // namespace maxdot::live
