// What a search did, for `maxdot search --explain`.
#pragma once

#include "console/console.hpp"
#include "maxdot/index.hpp"

namespace maxdot::tools {

/// Prints it as a table with a word of what each line means.
void print_explanation(const Index& index, const SearchStats& stats, double seconds);

Json explanation_json(const SearchStats& stats);

}  // namespace maxdot::tools
