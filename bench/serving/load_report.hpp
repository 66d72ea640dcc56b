// How maxdot_load tells what came of its runs.
#pragma once

#include "console/console.hpp"
#include "load_options.hpp"
#include "outcome.hpp"

namespace maxdot::load {

/// The line above the rows of a table.
std::string table_head();
/// One run.
std::string table_row(Outcome& outcome);
/// The same and more, for machines; times in seconds.
tools::Json json_of(Outcome& outcome);
/// What was asked, without its outcomes.
tools::Json json_of(const Options& options, std::size_t queries);

}  // namespace maxdot::load
