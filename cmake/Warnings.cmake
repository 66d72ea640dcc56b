# Flags of our own targets only.
add_library(maxdot_flags INTERFACE)
target_compile_options(
  maxdot_flags
  INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast
            # The specification fixes each rounding: no fusing of a multiplication and an addition.
            -ffp-contract=off
            $<$<BOOL:${MAXDOT_WERROR}>:-Werror>)

# Hardening of what reads hostile files and requests: a stack that was overrun, and a copy beyond its buffer, end the
# process; addresses of functions are bound at the start and then read-only; no stack is executable. Kernels do without
# (engine/CMakeLists.txt). FORTIFY needs optimisation, and hides errors from sanitizers. tests/check_hardening.py looks.
add_library(maxdot_hardening INTERFACE)
target_compile_options(maxdot_hardening INTERFACE -fstack-protector-strong)
if(NOT CMAKE_CXX_FLAGS MATCHES "sanitize")
  target_compile_options(maxdot_hardening INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2>)
endif()
target_link_options(maxdot_hardening INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
