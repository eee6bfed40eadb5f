/* SPDX-License-Identifier: MIT */
/* Puts the file of keyboard layouts that tools/keymaps makes into the kernel's image, unchanged, between keymaps_start and
   keymaps_end. It is aligned, since its arrays are read in place (key_layouts.cpp). */
    .section .rodata.keymaps, "a"
    .globl keymaps_start, keymaps_end
    .balign 16
keymaps_start:
    .incbin "keymaps.bin"
keymaps_end:
    .section .note.GNU-stack, "", @progbits
