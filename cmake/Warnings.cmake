# Flags of our own targets only.
add_library(maxdot_flags INTERFACE)
target_compile_options(
  maxdot_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
            # The specification fixes each rounding: no fusing of a multiplication and an addition.
            -ffp-contract=off
            $<$<BOOL:${MAXDOT_WERROR}>:-Werror>)
