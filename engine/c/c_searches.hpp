// The searches from C, of whatever has those of Index: an Index or a Snapshot. All throw Error.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "c/c_arguments.hpp"
#include "maxdot/index.hpp"
#include "maxdot/maxdot.h"

struct maxdot_range {
  maxdot::RangeResult result;
};

namespace maxdot::c {

template <class Searched>
void search(const Searched& asked, const maxdot_matrix* queries, std::int64_t k,
            const maxdot_search_options* options, const ResultView& out) {
  const MatrixView rows = matrix_of(queries, "queries");
  const std::size_t width = size_of_argument(k, "k");
  const SearchArguments given(options, rows.rows, asked.size());
  asked.search_into(rows, width, out, given.options());
  given.tell_stats();
}

template <class Searched>
void search_multi(const Searched& asked, const maxdot_matrix* interests, std::int64_t per_user,
                  std::int64_t k, const maxdot_search_options* options, const ResultView& out) {
  const MatrixView rows = matrix_of(interests, "interests");
  const std::size_t interests_of_user = size_of_argument(per_user, "per_user");
  const std::size_t users = interests_of_user == 0 ? 0 : rows.rows / interests_of_user;
  const SearchArguments given(options, users, asked.size());
  asked.search_multi_into(rows, interests_of_user, size_of_argument(k, "k"), out, given.options());
  given.tell_stats();
}

/// The caller's to give back.
template <class Searched>
maxdot_range* search_range(const Searched& asked, const maxdot_matrix* queries,
                           const double* thresholds, std::int64_t threshold_count,
                           const maxdot_search_options* options) {
  const MatrixView rows = matrix_of(queries, "queries");
  const std::size_t count = size_of_argument(threshold_count, "threshold_count");
  if (count != 0) required(thresholds, "thresholds");
  auto range = std::make_unique<maxdot_range>();
  const SearchArguments given(options, rows.rows, asked.size());
  range->result = asked.search_range(rows, {thresholds, count}, given.options());
  given.tell_stats();
  return range.release();
}

}  // namespace maxdot::c
