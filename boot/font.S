/* SPDX-License-Identifier: MIT */
/* The fonts that font.cmake unpacks, as they are. */
    .section .rodata.fonts, "a"
    .globl font_regular_start, font_regular_end, font_bold_start, font_bold_end
    .balign 16
font_regular_start:
    .incbin "Uni2-Terminus16.psf"
font_regular_end:
    .balign 16
font_bold_start:
    .incbin "Uni2-TerminusBold16.psf"
font_bold_end:
    .section .note.GNU-stack, "", @progbits
