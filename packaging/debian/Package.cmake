# Debian packages by CPack: libmaxdot0, libmaxdot-dev, maxdot and, where it is built, maxdot-server. `make deb`; docs/packages.md.
# The names and directories are Debian's: configure with CMAKE_INSTALL_PREFIX=/usr.
set(here ${CMAKE_CURRENT_LIST_DIR})
set(written ${PROJECT_BINARY_DIR}/debian)
get_target_property(soversion maxdot_shared SOVERSION)
set(library libmaxdot${soversion})
set(release 1)

# The component `of` of an install becomes the package `name`: its section, and a paragraph on what it has.
function(maxdot_deb of name section text)
  string(TOUPPER ${of} upper)
  set(CPACK_DEBIAN_${upper}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${upper}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_COMPONENT_${upper}_DESCRIPTION "${what}\n.\n${text}" PARENT_SCOPE)
  set(documents ${CMAKE_INSTALL_DATAROOTDIR}/doc/${name})
  install(FILES ${here}/copyright ${written}/changelog.Debian.gz DESTINATION ${documents} COMPONENT ${of})
  install(FILES ${PROJECT_BINARY_DIR}/maxdot.cdx.json DESTINATION ${documents} COMPONENT ${of})
endfunction()

# The date is the last commit's, where there is one, so that the same source makes the same package.
execute_process(COMMAND git -C ${PROJECT_SOURCE_DIR} log -1 --format=%aD OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
if(NOT date)
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()
set(CPACK_PACKAGE_CONTACT "maxdot maintainers <maintainers@users.noreply.github.com>")
configure_file(${here}/changelog.in ${written}/changelog.Debian @ONLY)
execute_process(COMMAND gzip -9nc ${written}/changelog.Debian OUTPUT_FILE ${written}/changelog.Debian.gz COMMAND_ERROR_IS_FATAL ANY)

set(what "maxdot returns the exact top k of recommender embeddings by dot product,
cosine or Euclidean distance. Every item that a search leaves out is proven
not to be among the best.")
maxdot_deb(runtime ${library} libs "This package has the shared library.")
maxdot_deb(development libmaxdot-dev libdevel
           "This package has the headers of the C and C++ API, the static libraries, and
what pkg-config and CMake need to find them.")
maxdot_deb(command maxdot science
           "This package has the maxdot command, which builds, searches and verifies
indexes, scores batches of users and evaluates models.")
set(components runtime development command)
if(MAXDOT_BUILD_SERVER)
  maxdot_deb(server maxdot-server science
             "This package has maxdot-server, which answers by gRPC and HTTP in the Open
Inference Protocol of KServe and Triton, and a systemd unit, which is not
enabled.")
  list(APPEND components server)
  set(MAXDOT_SERVER_BINARY ${CMAKE_INSTALL_FULL_BINDIR}/maxdot-server)
  file(READ ${PROJECT_SOURCE_DIR}/examples/serving/maxdot-server.service unit)
  string(REPLACE "/usr/local/bin/maxdot-server" "${MAXDOT_SERVER_BINARY}" unit "${unit}")
  string(REPLACE "(maxdot-server.toml beside this file)" "(an example: ${CMAKE_INSTALL_FULL_DATAROOTDIR}/doc/maxdot-server/examples)" unit "${unit}")
  file(WRITE ${written}/maxdot-server.service "${unit}")
  install(FILES ${written}/maxdot-server.service DESTINATION /lib/systemd/system COMPONENT server)
  install(FILES ${PROJECT_SOURCE_DIR}/examples/serving/maxdot-server.toml
          DESTINATION ${CMAKE_INSTALL_DATAROOTDIR}/doc/maxdot-server/examples COMPONENT server)
endif()

# The loader's cache knows a new library at once.
file(WRITE ${written}/triggers "activate-noawait ldconfig\n")
set(CPACK_DEBIAN_RUNTIME_PACKAGE_CONTROL_EXTRA ${written}/triggers)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS "${library} (= ${PROJECT_VERSION}-${release}), libxxhash-dev")
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_COMMAND_PACKAGE_SUGGESTS "maxdot-server (= ${PROJECT_VERSION}-${release})")  # `maxdot serve` starts it

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${components})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_PACKAGE_NAME maxdot)
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "exact top-k for recommender embeddings")
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_DEBIAN_PACKAGE_RELEASE ${release})
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY ">=")
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGING_INSTALL_PREFIX ${CMAKE_INSTALL_PREFIX})
include(CPack)
