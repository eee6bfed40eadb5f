# SPDX-License-Identifier: MIT
# Makes the keyboard layouts with tools/keymaps from Debian's console-setup and kbd. keymaps.S includes keymaps_file; the default
# initramfs has what is in keymaps_root, for loadkmap.
foreach(program ckbcomp loadkeys)
    string(TOUPPER "${program}_program" variable)
    find_program(${variable} ${program} PATHS /bin /usr/bin)
    if(NOT ${variable})
        message(FATAL_ERROR "${program} is missing: tools/install-packages installs console-setup and kbd")
    endif()
endforeach()
set(keymaps_file "${CMAKE_BINARY_DIR}/keymaps/keymaps.bin")
set(keymaps_root "${CMAKE_BINARY_DIR}/keymaps/root")
add_custom_command(OUTPUT "${keymaps_file}"
    COMMAND "${CMAKE_COMMAND}" -E make_directory "${CMAKE_BINARY_DIR}/keymaps"
    COMMAND "${CMAKE_SOURCE_DIR}/tools/keymaps" "${keymaps_file}" "${keymaps_root}/usr/share/keymaps"
    DEPENDS "${CMAKE_SOURCE_DIR}/tools/keymaps" VERBATIM)
set_source_files_properties("${CMAKE_SOURCE_DIR}/kernel/drivers/keyboard/keymaps.S" PROPERTIES
    OBJECT_DEPENDS "${keymaps_file}" INCLUDE_DIRECTORIES "${CMAKE_BINARY_DIR}/keymaps")
