# A component is a package of its own (packaging/debian): runtime, development, command, server. An install takes them all.
include(CMakePackageConfigHelpers)

set(libraries maxdot maxdot_evaluate)
if(MAXDOT_BUILD_SHARED)
  list(APPEND libraries maxdot_shared)
endif()
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME development)
install(TARGETS ${libraries} EXPORT maxdotTargets
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime NAMELINK_COMPONENT development
        ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(EXPORT maxdotTargets NAMESPACE maxdot:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/maxdot)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/maxdotConfig.cmake.in
                              ${PROJECT_BINARY_DIR}/maxdotConfig.cmake
                              INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/maxdot)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/maxdotConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/maxdotConfig.cmake ${PROJECT_BINARY_DIR}/maxdotConfigVersion.cmake
        DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/maxdot)
# Counted from where the file lies, so that the prefix can be chosen when installing.
file(RELATIVE_PATH MAXDOT_PREFIX_OF_PC "${CMAKE_INSTALL_FULL_LIBDIR}/pkgconfig" "${CMAKE_INSTALL_PREFIX}")
configure_file(${PROJECT_SOURCE_DIR}/cmake/maxdot.pc.in ${PROJECT_BINARY_DIR}/maxdot.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/maxdot.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/THIRD-PARTY-LICENSES ${PROJECT_BINARY_DIR}/maxdot.cdx.json
        DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/licenses/maxdot COMPONENT licences)
if(MAXDOT_BUILD_TOOLS)
  install(TARGETS maxdot_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
  if(TARGET maxdot_faiss_module)  # beside the command, where `maxdot verify` looks for it
    install(TARGETS maxdot_faiss_module LIBRARY DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT command)
  endif()
  if(TARGET maxdot_server_command)
    install(TARGETS maxdot_server_command RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT server)
  endif()
endif()
