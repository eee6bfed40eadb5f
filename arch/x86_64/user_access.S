// SPDX-License-Identifier: MIT
// Copies between the kernel and a program. Each instruction that may fault has a row in
// __ex_table: (address, where to continue). user_access.cpp checks ranges before it calls these.
// STAC/CLAC are NOPs until user_access.cpp patches them on a CPU with SMAP.

    .cfi_sections .debug_frame
    .text

.macro SMAP_SITE open
771:.byte 0x0f, 0x1f, 0x00
    .pushsection .smap_sites, "a", @progbits
    .quad 771b, \open
    .popsection
.endm
.macro OPEN_USER
    SMAP_SITE 1
.endm
.macro CLOSE_USER
    SMAP_SITE 0
.endm
.macro MAY_FAULT at, fix_up
    .pushsection __ex_table, "a", @progbits
    .quad \at, \fix_up
    .popsection
.endm
.macro FUNCTION name
    .balign 16
    .globl \name
    .type \name, @function
\name:
    .cfi_startproc
.endm
.macro END_FUNCTION name
    .cfi_endproc
    .size \name, . - \name
.endm

// size_t user_copy(void* to, void const* from, size_t bytes): returns the number of bytes not copied.
FUNCTION user_copy
    OPEN_USER
    movq %rdx, %rcx
    shrq $3, %rcx
    andl $7, %edx
1:  rep movsq
    movl %edx, %ecx
2:  rep movsb
3:  CLOSE_USER
    movq %rcx, %rax
    ret
4:  leaq (%rdx,%rcx,8), %rcx            // the rest, now byte by byte up to the fault
5:  rep movsb
    jmp 3b
    MAY_FAULT 1b, 4b
    MAY_FAULT 2b, 3b
    MAY_FAULT 5b, 3b
END_FUNCTION user_copy

// size_t user_clear(void* to, size_t bytes): returns the number of bytes not written.
FUNCTION user_clear
    OPEN_USER
    xorl %eax, %eax
    movq %rsi, %rcx
    shrq $3, %rcx
    andl $7, %esi
1:  rep stosq
    movl %esi, %ecx
2:  rep stosb
3:  CLOSE_USER
    movq %rcx, %rax
    ret
4:  leaq (%rsi,%rcx,8), %rcx
5:  rep stosb
    jmp 3b
    MAY_FAULT 1b, 4b
    MAY_FAULT 2b, 3b
    MAY_FAULT 5b, 3b
END_FUNCTION user_clear

// i64 user_string(char* to, char const* from, size_t limit): returns the length, limit, or -1.
// Reads eight bytes at a time while there is room; a word has a NUL byte if
// (w - 0x01..01) & ~w & 0x80..80 is not zero, and its lowest set bit tells which byte.
FUNCTION user_string
    OPEN_USER
    xorl %eax, %eax                     // length so far
    movabsq $0x0101010101010101, %r8
    movabsq $0x8080808080808080, %r9
1:  leaq 8(%rax), %rcx
    cmpq %rdx, %rcx
    ja 3f
2:  movq (%rsi,%rax), %r10
    movq %r10, (%rdi,%rax)
    movq %r10, %r11
    subq %r8, %r11
    notq %r10
    andq %r10, %r11
    andq %r9, %r11
    jnz 6f
    movq %rcx, %rax
    jmp 1b
3:  cmpq %rdx, %rax                     // byte by byte near the end of the room, or of a page
    jae 5f
4:  movzbl (%rsi,%rax), %ecx
    movb %cl, (%rdi,%rax)
    testb %cl, %cl
    jz 5f
    incq %rax
    jmp 3b
5:  CLOSE_USER
    ret
6:  bsfq %r11, %r11
    shrl $3, %r11d
    addq %r11, %rax
    jmp 5b
7:  movq $-1, %rax
    jmp 5b
    MAY_FAULT 2b, 3b
    MAY_FAULT 4b, 7b
END_FUNCTION user_string

// bool user_read32(u32 const* from, u32* value)
FUNCTION user_read32
    OPEN_USER
    xorl %eax, %eax
1:  movl (%rdi), %ecx
    movl %ecx, (%rsi)
    incl %eax
2:  CLOSE_USER
    ret
    MAY_FAULT 1b, 2b
END_FUNCTION user_read32

// bool user_write32(u32* to, u32 value)
FUNCTION user_write32
    OPEN_USER
    xorl %eax, %eax
1:  movl %esi, (%rdi)
    incl %eax
2:  CLOSE_USER
    ret
    MAY_FAULT 1b, 2b
END_FUNCTION user_write32

// bool user_compare_exchange32(u32* at, u32 expected, u32 desired, u32* previous)
FUNCTION user_compare_exchange32
    OPEN_USER
    movl %esi, %eax
1:  lock cmpxchgl %edx, (%rdi)
    movl %eax, (%rcx)
    movl $1, %eax
2:  CLOSE_USER
    ret
3:  xorl %eax, %eax
    jmp 2b
    MAY_FAULT 1b, 3b
END_FUNCTION user_compare_exchange32

    .section .note.GNU-stack, "", @progbits
