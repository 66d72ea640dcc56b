# xsimd and xxHash: the system's. Where one is missing, one clear message says which package to install.

# Defines the interface library `target`. `pip install .` finds no xsimd on a bare machine, but its build
# environment holds pythran, whose wheel carries the headers (pyproject.toml).
function(maxdot_find_xsimd target)
  add_library(${target} INTERFACE)
  find_package(xsimd QUIET)
  if(TARGET xsimd)
    target_include_directories(${target} SYSTEM
                               INTERFACE $<TARGET_PROPERTY:xsimd,INTERFACE_INCLUDE_DIRECTORIES>)
    return()
  endif()
  if(CMAKE_CROSSCOMPILING)  # its package is of the other architecture, its headers are of every one
    find_path(MAXDOT_XSIMD_INCLUDE xsimd/xsimd.hpp)
    if(MAXDOT_XSIMD_INCLUDE)
      target_include_directories(${target} SYSTEM INTERFACE ${MAXDOT_XSIMD_INCLUDE})
      return()
    endif()
  endif()
  if(MAXDOT_BUILD_PYTHON)
    find_package(Python 3.10 REQUIRED COMPONENTS Interpreter)
    set(locate "import importlib.util as u; print(*u.find_spec('pythran').submodule_search_locations)")
    execute_process(COMMAND ${Python_EXECUTABLE} -c "${locate}"
                    OUTPUT_VARIABLE pythran OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
    if(EXISTS "${pythran}/xsimd/xsimd.hpp")
      message(STATUS "xsimd: headers of the pythran wheel")
      target_include_directories(${target} SYSTEM INTERFACE "${pythran}")
      return()
    endif()
  endif()
  message(FATAL_ERROR "maxdot needs the xsimd headers (8.1 or newer) and found none. Install one of: "
                      "libxsimd-dev (Debian, Ubuntu), xsimd-devel (Fedora), xsimd (Arch, Homebrew).")
endfunction()

# Defines xxHash::xxhash from the system: the library, or its header alone: for a wheel, which must not depend on the library, and
# where the system is not the one that is built for.
function(maxdot_find_xxhash)
  if(MAXDOT_BUILD_PYTHON OR CMAKE_CROSSCOMPILING)
    find_path(MAXDOT_XXHASH_INCLUDE xxhash.h)
    if(MAXDOT_XXHASH_INCLUDE)
      add_library(xxHash::xxhash INTERFACE IMPORTED GLOBAL)
      target_include_directories(xxHash::xxhash SYSTEM INTERFACE ${MAXDOT_XXHASH_INCLUDE})
      target_compile_definitions(xxHash::xxhash INTERFACE XXH_INLINE_ALL)
      return()
    endif()
  endif()
  find_package(xxHash QUIET CONFIG GLOBAL)
  if(TARGET xxHash::xxhash)
    return()
  endif()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(xxhash QUIET IMPORTED_TARGET GLOBAL libxxhash)
  endif()
  if(TARGET PkgConfig::xxhash)
    add_library(xxHash::xxhash ALIAS PkgConfig::xxhash)
    return()
  endif()
  message(FATAL_ERROR "maxdot needs xxHash 0.8 or newer and found none. Install one of: "
                      "libxxhash-dev (Debian, Ubuntu), xxhash-devel (Fedora), xxhash (Arch, Homebrew).")
endfunction()
