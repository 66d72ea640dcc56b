// One function for each kind of case. Each asks the library in several ways and compares with the
// oracle; it throws Failure, or whatever the library threw: no case is one that the library may
// refuse.
#pragma once

#include "cases.hpp"
#include "random.hpp"

namespace fuzz {

void run_search(const Case& drawn, Random& random);
void run_range(const Case& drawn, Random& random);
void run_multi(const Case& drawn, Random& random);
void run_ranks(const Case& drawn, Random& random);
void run_softmax(const Case& drawn, Random& random);
void run_shards(const Case& drawn, Random& random);

/// Draws the case of a seed and runs it.
void run_case(std::uint64_t seed);

}  // namespace fuzz
