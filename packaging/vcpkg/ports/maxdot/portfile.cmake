# An overlay port: `vcpkg install maxdot --overlay-ports=packaging/vcpkg/ports` in a clone builds this clone's source. A port in vcpkg's
# registry takes the archive of a release instead (vcpkg_from_github with its SHA-512).
get_filename_component(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../../.." ABSOLUTE)

string(COMPARE EQUAL "${VCPKG_LIBRARY_LINKAGE}" "dynamic" shared)
vcpkg_check_features(OUT_FEATURE_OPTIONS features FEATURES tools MAXDOT_BUILD_TOOLS)

vcpkg_cmake_configure(
  SOURCE_PATH "${SOURCE_PATH}"
  OPTIONS
    ${features}
    -DMAXDOT_BUILD_SHARED=${shared}
    -DMAXDOT_BUILD_TESTS=OFF
    -DMAXDOT_BUILD_BENCH=OFF
    -DMAXDOT_INSTALL=ON
    -DCMAKE_DISABLE_FIND_PACKAGE_faiss=ON
  MAYBE_UNUSED_VARIABLES CMAKE_DISABLE_FIND_PACKAGE_faiss)
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(CONFIG_PATH lib/cmake/maxdot)
vcpkg_fixup_pkgconfig()
if("tools" IN_LIST FEATURES)
  vcpkg_copy_tools(TOOL_NAMES maxdot AUTO_CLEAN)
endif()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug/include" "${CURRENT_PACKAGES_DIR}/debug/share" "${CURRENT_PACKAGES_DIR}/share/licenses")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE" "${SOURCE_PATH}/THIRD-PARTY-LICENSES")
file(INSTALL "${CMAKE_CURRENT_LIST_DIR}/usage" DESTINATION "${CURRENT_PACKAGES_DIR}/share/${PORT}")
