# Libraries of headers: the source distribution's own in third_party/ (make sdist), else the system's. Where one is missing, one clear
# message says which package to install.

set(third_party ${PROJECT_SOURCE_DIR}/third_party)

# Defines the interface library `target` by the headers in third_party/ and sets `out`, if `header` is there.
function(maxdot_find_third_party out target header)
  set(${out} FALSE PARENT_SCOPE)
  if(EXISTS ${third_party}/${header})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} SYSTEM INTERFACE ${third_party})
    set(${out} TRUE PARENT_SCOPE)
  endif()
endfunction()

# Defines the interface library `target`. `pip install .` finds no xsimd on a bare machine, but its build
# environment holds pythran, whose wheel carries the headers (pyproject.toml).
function(maxdot_find_xsimd target)
  maxdot_find_third_party(found ${target} xsimd/xsimd.hpp)
  if(found)
    return()
  endif()
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
# where the system is not the one that is built for. MAXDOT_XXHASH_INLINE says that it is the header alone, which then needs XXH_INLINE_ALL.
function(maxdot_find_xxhash)
  maxdot_find_third_party(found xxHash::xxhash xxhash.h)
  if(found)
    set(MAXDOT_XXHASH_INLINE TRUE PARENT_SCOPE)
    return()
  endif()
  if(MAXDOT_BUILD_PYTHON OR CMAKE_CROSSCOMPILING)
    find_path(MAXDOT_XXHASH_INCLUDE xxhash.h)
    if(MAXDOT_XXHASH_INCLUDE)
      add_library(xxHash::xxhash INTERFACE IMPORTED GLOBAL)
      target_include_directories(xxHash::xxhash SYSTEM INTERFACE ${MAXDOT_XXHASH_INCLUDE})
      set(MAXDOT_XXHASH_INLINE TRUE PARENT_SCOPE)
      return()
    endif()
  endif()
  if(TARGET xxHash::xxhash)  # of the project that embeds this one
    return()
  endif()
  find_package(xxHash QUIET CONFIG)
  if(TARGET xxHash::xxhash)
    # Who embeds maxdot links the target, too. find_package's own GLOBAL needs CMake 3.24.
    get_target_property(real xxHash::xxhash ALIASED_TARGET)
    if(NOT real)
      set(real xxHash::xxhash)
    endif()
    get_target_property(imported ${real} IMPORTED)
    if(imported)
      set_target_properties(${real} PROPERTIES IMPORTED_GLOBAL TRUE)
    endif()
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

# Defines CLI11::CLI11 and nlohmann_json::nlohmann_json, which the command is made of.
function(maxdot_find_command_headers)
  maxdot_find_third_party(found CLI11::CLI11 CLI/CLI.hpp)
  if(NOT found)
    find_package(CLI11 2.1 QUIET)
  endif()
  maxdot_find_third_party(found nlohmann_json::nlohmann_json nlohmann/json.hpp)
  if(NOT found)
    find_package(nlohmann_json 3.10 QUIET)
  endif()
  if(NOT TARGET CLI11::CLI11 OR NOT TARGET nlohmann_json::nlohmann_json)
    message(FATAL_ERROR "The maxdot command needs CLI11 (2.1 or newer) and nlohmann-json (3.10 or newer). Install libcli11-dev and "
                        "nlohmann-json3-dev (Debian, Ubuntu), cli11-devel and json-devel (Fedora), cli11 and nlohmann-json (Arch, "
                        "Homebrew), or build without the command: -DMAXDOT_BUILD_TOOLS=OFF.")
  endif()
endfunction()
