// Checks on lists of ids that callers give.
#pragma once

#include <cstddef>

#include "maxdot/id_lists.hpp"

namespace maxdot::api {

/// Throws Error (invalid_argument) unless the offsets are those of a CSR array. The message calls
/// the lists `name`.
void check_lists(const IdLists& lists, const char* name);

/// The same, and that there is one list for each of `count` `owners` ("users", "queries").
void check_lists(const IdLists& lists, const char* name, std::size_t count,
                 const char* owners = "users");

}  // namespace maxdot::api
