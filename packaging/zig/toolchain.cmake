# Builds for Linux with glibc 2.28 or newer (manylinux_2_28) on any machine, by the compiler in the package `ziglang` of PyPI:
# -DMAXDOT_ARCH=x86_64 (as is) or aarch64. The command python-zig of that package must be in PATH. Why this one: docs/packages.md.
set(MAXDOT_ARCH x86_64 CACHE STRING "The processor to build for: x86_64 or aarch64")
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES MAXDOT_ARCH)
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR ${MAXDOT_ARCH})
set(CMAKE_CXX_COMPILER ${CMAKE_CURRENT_LIST_DIR}/c++)
set(CMAKE_CXX_COMPILER_TARGET ${MAXDOT_ARCH}-linux-gnu.2.28)
set(CMAKE_AR ${CMAKE_CURRENT_LIST_DIR}/ar CACHE FILEPATH "")
set(CMAKE_RANLIB ${CMAKE_CURRENT_LIST_DIR}/ranlib CACHE FILEPATH "")
# Nothing of this machine's headers and libraries.
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(MAXDOT_LIBCXX_INSIDE TRUE)
