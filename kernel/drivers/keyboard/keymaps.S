/* SPDX-License-Identifier: MIT */
/* The keyboard layouts that tools/keymaps makes, as they are. */
    .section .rodata.keymaps, "a"
    .globl keymaps_start, keymaps_end
    .balign 16
keymaps_start:
    .incbin "keymaps.bin"
keymaps_end:
    .section .note.GNU-stack, "", @progbits
