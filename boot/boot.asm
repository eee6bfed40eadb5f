; SPDX-License-Identifier: MIT
; From the loader (Multiboot2 or PVH, both 32-bit) to kernel_main in the higher half.
; Owns the first page tables: the low 4 GiB in 2 MiB pages, at identity, at
; direct_map_base and (2 GiB) at kernel_image_base. They are used until mm has built its own.
; Intel SDM vol. 3, 10.8.5 "Initializing IA-32e Mode".

MULTIBOOT2_HEADER equ 0xe85250d6
MULTIBOOT2_LOADER equ 0x36d76289
PVH_MAGIC         equ 0x336ec578      ; hvm_start_info.magic
MSR_EFER          equ 0xc0000080
MSR_GS_BASE       equ 0xc0000101
EFER_LONG_MODE    equ 1 << 8
CR4_PAE           equ 1 << 5
CR0_PAGING_WP_PE  equ 1 << 31 | 1 << 16 | 1
PRESENT_WRITABLE  equ 3
LARGE_PAGE        equ 0x83
TAG_END           equ 0
TAG_FRAMEBUFFER   equ 8
COM1              equ 0x3f8
VGA_TEXT          equ 0xb8000
PANIC_EXIT        equ 0x7f            ; arch::debug_exit_panic

extern boot_page_tables_physical, boot_stack_top, text_start_physical, symbol_table_physical, boot_font_physical
extern per_cpu_start, per_cpu_end, boot_per_cpu_area, per_cpu_self_offset
extern kernel_main

; ---------------------------------------------------------------- what loaders look for
section .multiboot progbits alloc noexec nowrite align=8
header:
    dd MULTIBOOT2_HEADER, 0, header_end - header
    dd 0x100000000 - (MULTIBOOT2_HEADER + (header_end - header))
    dw 6, 0                         ; modules on page boundaries
    dd 8
    dw 5, 1                         ; a framebuffer if there can be one; without this tag GRUB sets a text mode
    dd 20, 1280, 800, 32
    align 8, db 0
    dw 0, 0                         ; end
    dd 8
header_end:

section .note.pvh note alloc noexec nowrite align=4
    dd 4, 4, 18                     ; XEN_ELFNOTE_PHYS32_ENTRY
    db "Xen", 0
    dd pvh_entry

; ---------------------------------------------------------------- 32-bit code
section .boot progbits alloc exec nowrite align=16
bits 32
global multiboot_entry
multiboot_entry:                    ; eax = loader's magic, ebx = its tags
    cli
    cld
    mov esp, first_stack_top
    mov [loader_magic], eax
    mov [loader_information], ebx
    cmp eax, MULTIBOOT2_LOADER
    je start
    mov esi, text_unknown_loader
    jmp refuse
pvh_entry:                          ; ebx = hvm_start_info
    cli
    cld
    mov esp, first_stack_top
    mov dword [loader_magic], PVH_MAGIC
    mov [loader_information], ebx
start:
    call check_memory
    call find_framebuffer
    call check_cpu
    call build_page_tables
    mov edi, [loader_magic]         ; kept for kernel_main, both of them
    mov esi, [loader_information]

    ; Exactly this, whatever the firmware used: 5 levels, protection keys, shadow stacks, PCIDs and SMEP are the kernel's to enable.
    mov eax, CR4_PAE
    mov cr4, eax
    mov eax, boot_page_tables_physical
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LONG_MODE
    wrmsr
    mov eax, cr0
    or eax, CR0_PAGING_WP_PE
    mov cr0, eax
    lgdt [boot_gdt_pointer]
    jmp 0x10:long_mode

; Page 0 PML4, 1 PDPT (identity, direct map), 2 PDPT (image), 3..6 page directories.
build_page_tables:
    mov ebx, boot_page_tables_physical
    lea eax, [ebx + 0x1000 + PRESENT_WRITABLE]
    mov [ebx], eax                  ; 0: identity
    mov [ebx + 256 * 8], eax        ; direct_map_base
    lea eax, [ebx + 0x2000 + PRESENT_WRITABLE]
    mov [ebx + 511 * 8], eax        ; kernel_image_base
    lea eax, [ebx + 0x3000 + PRESENT_WRITABLE]
    mov [ebx + 0x2000 + 510 * 8], eax
    xor ecx, ecx
.directory:
    mov [ebx + 0x1000 + ecx * 8], eax
    add eax, 0x1000
    inc ecx
    cmp ecx, 4
    jne .directory
    lea eax, [ebx + 0x4000 + PRESENT_WRITABLE]
    mov [ebx + 0x2000 + 511 * 8], eax
    mov eax, LARGE_PAGE
    xor ecx, ecx
.page:
    mov [ebx + 0x3000 + ecx * 8], eax
    add eax, 0x200000
    inc ecx
    cmp ecx, 4 * 512
    jne .page
    ret

; Returns if there is memory where the image lies: memory keeps what is written. The symbols are the image's end.
check_memory:
    mov ebx, text_start_physical
    call keeps_bytes
    mov ebx, boot_page_tables_physical
    call keeps_bytes
    mov ebx, symbol_table_physical
keeps_bytes:
    mov eax, [ebx]
    not dword [ebx]
    wbinvd                          ; so that not only the cache is tested
    mov ecx, [ebx]
    mov [ebx], eax
    not ecx
    cmp ecx, eax
    mov esi, text_no_memory
    jne refuse
    ret

; Records Multiboot2's framebuffer if it lies below 4 GiB and has pixels of 2 to 4 bytes: then `print` draws on it.
find_framebuffer:
    cmp dword [loader_magic], MULTIBOOT2_LOADER
    jne .none
    mov ebx, [loader_information]
    mov edx, ebx
    add edx, [ebx]                  ; the end of the tags
    add ebx, 8
.tag:
    lea eax, [ebx + 32]
    cmp eax, edx
    ja .none
    cmp dword [ebx], TAG_END
    je .none
    cmp dword [ebx], TAG_FRAMEBUFFER
    je .found
    mov eax, [ebx + 4]
    cmp eax, 8
    jb .none
    add eax, 7
    and eax, -8
    add ebx, eax
    jnc .tag
.none:
    ret
.found:
    cmp byte [ebx + 29], 1          ; direct colours
    jne .none
    cmp dword [ebx + 12], 0
    jne .none
    movzx eax, byte [ebx + 28]
    add eax, 7
    shr eax, 3
    lea ecx, [eax - 2]
    cmp ecx, 2
    ja .none
    mov [pixel_bytes], eax
    mov ecx, [ebx + 16]
    mov [line_bytes], ecx
    mov ecx, [ebx + 8]
    mov [line_start], ecx
    mov [cursor], ecx
    ret

; Returns if this CPU has everything that the kernel needs; otherwise prints what is missing and halts.
check_cpu:
    pushfd                          ; CPUID exists if EFLAGS.ID can be changed
    pop eax
    mov ecx, eax
    xor eax, 1 << 21
    push eax
    popfd
    pushfd
    pop eax
    push ecx
    popfd
    xor eax, ecx
    mov esi, text_no_cpuid
    jz refuse
    mov eax, 1
    cpuid
    not edx
    mov ebp, edx                    ; bits that leaf 1 lacks
    mov eax, 0x80000000
    cpuid
    xor edx, edx
    cmp eax, 0x80000001
    jb .no_extended
    mov eax, 0x80000001
    cpuid
.no_extended:
    not edx                         ; bits that leaf 0x80000001 lacks
    mov ebx, required_features
    xor ecx, ecx                    ; how many are missing
.next:
    movzx eax, byte [ebx]           ; 0..31: leaf 1; 32..63: leaf 0x80000001; 255: end
    cmp al, 255
    je .done
    cmp al, 32
    jae .extended
    bt ebp, eax
    jmp .test
.extended:
    sub al, 32
    bt edx, eax
.test:
    lea esi, [ebx + 1]
    jnc .skip
    test ecx, ecx
    jnz .name
    push esi
    mov esi, text_lacks
    call print
    pop esi
.name:
    inc ecx
    call print                      ; leaves esi behind the NUL
    jmp .advance
.skip:
    lodsb
    test al, al
    jnz .skip
.advance:
    mov ebx, esi
    jmp .next
.done:
    test ecx, ecx
    mov esi, text_end
    jnz refuse
    ret

refuse:                             ; esi = the last message
    call print
    mov dx, 0xf4                    ; isa-debug-exit, so that a test ends
    mov al, PANIC_EXIT
    out dx, al
.halt:
    cli
    hlt
    jmp .halt

; Prints the string at esi on the screen and on COM1; esi ends behind its NUL.
print:
    pushad
.character:
    lodsb
    test al, al
    jz .end
    call show
    mov bl, al
    mov ecx, 100000                 ; the wait for a port that never becomes ready is bounded
.wait:
    mov dx, COM1 + 5
    in al, dx
    test al, 0x20
    loopz .wait
    mov al, bl
    mov dx, COM1
    out dx, al
    jmp .character
.end:
    mov [esp + 4], esi              ; the esi that popad restores
    popad
    ret

; Shows the character in al: in the VGA's text memory, or as white pixels on black, which look alike in every format.
show:
    pushad
    cmp dword [pixel_bytes], 0
    jne .pixels
    cmp al, 10
    je .end
    mov edi, [text_position]
    mov ah, 0x4f
    mov [edi], ax
    add dword [text_position], 2
.end:
    popad
    ret
.pixels:
    cmp al, 10
    je .next_line
    movzx esi, al
    shl esi, 4
    add esi, boot_font_physical + 4 ; of a PSF 1 file, whose first characters are ASCII
    mov edi, [cursor]
    mov dh, 16
.row:
    mov bl, [esi]
    inc esi
    push edi
    mov dl, 8
.pixel:
    add bl, bl
    sbb eax, eax
    mov ecx, [pixel_bytes]
    rep stosb
    dec dl
    jnz .pixel
    pop edi
    add edi, [line_bytes]
    dec dh
    jnz .row
    mov eax, [pixel_bytes]
    shl eax, 3
    add [cursor], eax
    popad
    ret
.next_line:
    mov eax, [line_bytes]
    shl eax, 4
    add eax, [line_start]
    mov [line_start], eax
    mov [cursor], eax
    popad
    ret

; Written before paging is on.
align 4
loader_magic: dd 0
loader_information: dd 0
pixel_bytes: dd 0                     ; 0: the screen is in text mode
line_bytes: dd 0
line_start: dd 0
cursor: dd 0
text_position: dd VGA_TEXT
first_stack: times 256 db 0
first_stack_top:
text_no_memory: db "Aubrac cannot start: there is too little memory; it lies from 16 MiB on, and wants 64 MiB in all.", 10, 0
text_unknown_loader: db "Aubrac cannot start: the boot loader speaks neither Multiboot2 nor PVH.", 10, 0
text_no_cpuid: db "Aubrac cannot start: this CPU has no CPUID instruction.", 10, 0
text_lacks: db "Aubrac cannot start: this CPU lacks", 0
text_end: db ".", 10, 0
required_features:
    db 0, " FPU", 0
    db 4, " TSC", 0
    db 5, " MSR", 0
    db 6, " PAE", 0
    db 8, " CMPXCHG8B", 0
    db 15, " CMOV", 0
    db 24, " FXSAVE", 0
    db 25, " SSE", 0
    db 26, " SSE2", 0
    db 32 + 29, " long mode (64 bit)", 0
    db 255

align 8
global boot_gdt
boot_gdt:
    dq 0
    dq 0x00cf9a000000ffff           ; 0x08 32-bit code, for processor.asm
    dq 0x00af9a000000ffff           ; 0x10 code
    dq 0x00cf92000000ffff           ; 0x18 data
boot_gdt_pointer:
    dw $ - boot_gdt - 1
    dd boot_gdt

; ---------------------------------------------------------------- 64-bit code
bits 64
long_mode:
    mov eax, 0x18
    mov ss, eax
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov rax, higher_half
    jmp rax

section .text progbits alloc exec nowrite align=16
higher_half:
    mov rsp, boot_stack_top
    mov r12d, edi                   ; magic
    mov r13d, esi                   ; loader's information
    mov rsi, per_cpu_start          ; makes the boot CPU's copy of the per-CPU template
    mov rdi, boot_per_cpu_area
    mov rcx, per_cpu_end
    sub rcx, rsi
    shr rcx, 3
    mov rax, rdi
    sub rax, rsi                    ; GS base: copy - template
    rep movsq
    mov rdx, rax
    mov rbx, rax
    shr rdx, 32
    mov ecx, MSR_GS_BASE
    wrmsr
    mov [gs:per_cpu_self_offset], rbx
    mov edi, r12d
    mov rsi, r13
    xor ebp, ebp                    ; a backtrace ends here
    call kernel_main
    ud2
