// Checks on lists of ids that callers give.
#pragma once

#include "maxdot/evaluate.hpp"

namespace maxdot::api {

/// Throws Error (invalid_argument) unless the offsets are those of a CSR array. The message calls the lists
/// `name`.
void check_lists(const evaluate::IdLists& lists, const char* name);

/// The same, and that there is one list for each of `users`.
void check_lists(const evaluate::IdLists& lists, const char* name, std::size_t users);

}  // namespace maxdot::api
