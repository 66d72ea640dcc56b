// What tests of the C API share: a matrix of rows, and what the last error said.
#pragma once

#include <cstdint>
#include <string>

#include "maxdot/maxdot.h"
#include "support.hpp"

namespace maxdot::test {

inline maxdot_matrix matrix_of(const Rows& rows) {
  return {rows.values.data(), MAXDOT_F32, static_cast<std::int64_t>(rows.rows),
          static_cast<std::int64_t>(rows.cols), 0};
}

inline bool says(const char* part) {
  return std::string(maxdot_error_text()).find(part) != std::string::npos;
}

}  // namespace maxdot::test
