# find_package first, so that any system's packages work; Debian 12's names are in the Makefile (make deps).

find_package(Threads REQUIRED)

# Headers only. The target is `xsimd` in old and new versions; Debian 12's also asks to link xtl, which we do
# not use, so only its include folder is taken.
include(cmake/FindHeaders.cmake)
maxdot_find_xsimd(maxdot_xsimd)
maxdot_find_xxhash()

if(MAXDOT_BUILD_TOOLS OR MAXDOT_BUILD_TESTS)
  maxdot_find_command_headers()
endif()

# FAISS judges maxdot in `maxdot verify`, the tests and the benchmarks; nothing else needs it.
if(MAXDOT_BUILD_TOOLS OR MAXDOT_BUILD_TESTS OR MAXDOT_BUILD_BENCH)
  find_package(faiss QUIET)
  find_package(OpenMP QUIET COMPONENTS CXX)
  find_package(BLAS QUIET)
  find_package(LAPACK QUIET)
  if(faiss_FOUND AND OpenMP_CXX_FOUND AND BLAS_FOUND AND LAPACK_FOUND)
    set(MAXDOT_HAVE_FAISS TRUE)
    add_library(maxdot_faiss INTERFACE)
    target_link_libraries(maxdot_faiss INTERFACE faiss ${LAPACK_LIBRARIES} ${BLAS_LIBRARIES} OpenMP::OpenMP_CXX)
    target_compile_definitions(maxdot_faiss INTERFACE MAXDOT_HAVE_FAISS=1)
  else()
    set(MAXDOT_HAVE_FAISS FALSE)
    message(STATUS "FAISS not found: 'maxdot verify' will check against f64 only")
  endif()
endif()
