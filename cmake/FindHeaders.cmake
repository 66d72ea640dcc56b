# xsimd and xxHash: the system's, and where it has none, another source before giving up with one clear message.

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

# Defines xxHash::xxhash, from the system or from the single header in third_party/.
function(maxdot_find_xxhash)
  find_package(xxHash QUIET CONFIG GLOBAL)
  if(TARGET xxHash::xxhash)
    return()
  endif()
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND AND NOT MAXDOT_BUILD_PYTHON)
    pkg_check_modules(xxhash QUIET IMPORTED_TARGET GLOBAL libxxhash)
  endif()
  if(TARGET PkgConfig::xxhash)
    add_library(xxHash::xxhash ALIAS PkgConfig::xxhash)
    return()
  endif()
  message(STATUS "xxHash: the header in third_party/")
  add_library(xxHash::xxhash INTERFACE IMPORTED GLOBAL)
  target_include_directories(xxHash::xxhash SYSTEM INTERFACE ${PROJECT_SOURCE_DIR}/third_party/xxhash)
  target_compile_definitions(xxHash::xxhash INTERFACE XXH_INLINE_ALL)
  set(MAXDOT_XXHASH_INSIDE TRUE PARENT_SCOPE)
endfunction()
