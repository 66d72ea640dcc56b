// Bit for bit: what the library returned against what the oracle says.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "cases.hpp"
#include "maxdot/index.hpp"
#include "oracle.hpp"

namespace fuzz {

using Expected = std::vector<std::vector<oracle::Ranked>>;  ///< of each query or user, best first

/// Each throws Failure, which begins with `how`, at the first difference.
void compare(const maxdot::SearchResult& got, const Expected& expected, const Case& drawn,
             const std::string& how);
void compare(const maxdot::RangeResult& got, const Expected& expected, const Case& drawn,
             const std::string& how);
void compare(const std::vector<std::int64_t>& got, const std::vector<std::int64_t>& expected,
             const std::string& how);
/// The same bits; two zeros of any sign are equal if `any_zero`.
void compare(double got, double expected, const std::string& how, bool any_zero = false);

}  // namespace fuzz
