// What fuzz_index_file asks of an open index.
#pragma once

#include "index_input.hpp"
#include "maxdot/index.hpp"

namespace fuzz {

/// Makes the search that the question stands for. `verified`: the file passed verify_codes, so the
/// answer must be the oracle's; what differs ends the process. Throws maxdot::Error if the file is
/// not verified, or if what is asked needs rows in memory.
void ask(const maxdot::Index& index, const IndexInput& input, bool verified);

}  // namespace fuzz
