# SPDX-License-Identifier: MIT
# The screen's fonts: Terminus 8x16, regular and bold, from Debian's console-setup-linux,
# unpacked into the build folder, where font.S includes them.
set(font_folder /usr/share/consolefonts)
set(font_source "${CMAKE_SOURCE_DIR}/boot/font.S")
foreach(font Uni2-Terminus16 Uni2-TerminusBold16)
    if(NOT EXISTS "${font_folder}/${font}.psf.gz")
        message(FATAL_ERROR "${font_folder}/${font}.psf.gz is missing: tools/install-packages installs console-setup-linux")
    endif()
    add_custom_command(OUTPUT "${CMAKE_BINARY_DIR}/fonts/${font}.psf"
        COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/fonts"
        COMMAND gzip -dc "${font_folder}/${font}.psf.gz" > "${CMAKE_BINARY_DIR}/fonts/${font}.psf"
        DEPENDS "${font_folder}/${font}.psf.gz" VERBATIM)
    list(APPEND font_files "${CMAKE_BINARY_DIR}/fonts/${font}.psf")
endforeach()
set_source_files_properties("${font_source}" PROPERTIES
    OBJECT_DEPENDS "${font_files}" INCLUDE_DIRECTORIES "${CMAKE_BINARY_DIR}/fonts")
