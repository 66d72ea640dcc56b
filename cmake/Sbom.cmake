# maxdot.cdx.json: what is compiled into maxdot besides its own source, with the versions that were found (CycloneDX). The licences
# stand in THIRD-PARTY-LICENSES.

# Sets `out` to where the header lies that users of the target include.
function(maxdot_find_header out target header)
  if(TARGET xsimd AND target STREQUAL "maxdot_xsimd")  # which names it by a generator expression
    set(target xsimd)
  endif()
  get_target_property(folders ${target} INTERFACE_INCLUDE_DIRECTORIES)
  list(TRANSFORM folders REPLACE "^\\$<BUILD_INTERFACE:(.*)>$" "\\1")  # of a target of the same build
  find_file(found ${header} HINTS ${folders} NO_CACHE REQUIRED)
  set(${out} ${found} PARENT_SCOPE)
endfunction()

# Sets `out` to the version in the macros <prefix>_MAJOR, _MINOR, _PATCH or _RELEASE of a header.
function(maxdot_version_in_header out header prefix)
  file(STRINGS ${header} lines REGEX "# *define +${prefix}_(MAJOR|MINOR|PATCH|RELEASE) +[0-9]+ *(//.*)?$")
  list(TRANSFORM lines REPLACE "^.*(MAJOR|MINOR|PATCH|RELEASE) +([0-9]+) *(//.*)?$" "\\2")
  list(JOIN lines "." version)
  if(NOT version MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+$")
    message(FATAL_ERROR "${header} does not say its version by ${prefix}_MAJOR and so on")
  endif()
  set(${out} ${version} PARENT_SCOPE)
endfunction()

# Appends a component to the list `components`. `licence` is an SPDX expression.
function(maxdot_add_component name version licence address)
  list(APPEND components "    {
      \"type\": \"library\",
      \"name\": \"${name}\",
      \"version\": \"${version}\",
      \"licenses\": [ { \"expression\": \"${licence}\" } ],
      \"purl\": \"pkg:github/${address}@${version}\"
    }")
  set(components ${components} PARENT_SCOPE)
endfunction()

function(maxdot_write_sbom)
  maxdot_find_header(xsimd maxdot_xsimd xsimd/config/xsimd_config.hpp)
  maxdot_find_header(xxhash xxHash::xxhash xxhash.h)
  maxdot_version_in_header(version ${xsimd} XSIMD_VERSION)
  maxdot_add_component(xsimd ${version} BSD-3-Clause xtensor-stack/xsimd)
  maxdot_version_in_header(version ${xxhash} XXH_VERSION)
  maxdot_add_component(xxHash ${version} BSD-2-Clause Cyan4973/xxHash)
  if(MAXDOT_BUILD_TOOLS)
    maxdot_find_header(cli11 CLI11::CLI11 CLI/Version.hpp)
    maxdot_version_in_header(version ${cli11} CLI11_VERSION)
    maxdot_add_component(CLI11 ${version} BSD-3-Clause CLIUtils/CLI11)
    maxdot_find_header(json nlohmann_json::nlohmann_json nlohmann/json.hpp)
    cmake_path(GET json PARENT_PATH folder)
    if(EXISTS ${folder}/detail/abi_macros.hpp)  # where the version stands from 3.11 on
      set(json ${folder}/detail/abi_macros.hpp)
    endif()
    maxdot_version_in_header(version ${json} NLOHMANN_JSON_VERSION)
    maxdot_add_component(nlohmann-json ${version} MIT nlohmann/json)
  endif()
  if(MAXDOT_LIBCXX_INSIDE)  # packaging/zig/toolchain.cmake
    maxdot_add_component(libc++ ${CMAKE_CXX_COMPILER_VERSION} "Apache-2.0 WITH LLVM-exception" llvm/llvm-project)
  endif()
  if(MAXDOT_BUILD_PYTHON)
    cmake_path(SET nanobind NORMALIZE "${NB_DIR}")
    maxdot_version_in_header(version ${nanobind}/include/nanobind/nanobind.h NB_VERSION)
    maxdot_add_component(nanobind ${version} BSD-3-Clause wjakob/nanobind)
    maxdot_version_in_header(version ${nanobind}/ext/robin_map/include/tsl/robin_growth_policy.h TSL_RH_VERSION)
    maxdot_add_component(robin-map ${version} MIT Tessil/robin-map)
  endif()
  list(JOIN components ",\n" components)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/maxdot.cdx.json.in ${PROJECT_BINARY_DIR}/maxdot.cdx.json @ONLY)
endfunction()
