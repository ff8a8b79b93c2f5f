# cmake --install: headers, the library with its CMake package, and the program.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(TARGETS latlas EXPORT latlas-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
                                             LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY src/latlas DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*-inl.h" EXCLUDE PATTERN "simd-targets.h" EXCLUDE)
if(TARGET latlas-program)
  install(TARGETS latlas-program RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(DIRECTORY recipes DESTINATION ${CMAKE_INSTALL_DATADIR}/latlas)
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/latlas)
install(EXPORT latlas-targets NAMESPACE latlas:: DESTINATION ${package_folder})
configure_package_config_file(cmake/latlas-config.cmake.in ${CMAKE_BINARY_DIR}/latlas-config.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/latlas-config-version.cmake
                                 COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/latlas-config.cmake ${CMAKE_BINARY_DIR}/latlas-config-version.cmake
        DESTINATION ${package_folder})
