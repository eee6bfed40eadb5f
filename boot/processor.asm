; SPDX-License-Identifier: MIT
; Starts a further CPU: from real mode, at the beginning of a page below 1 MiB, to
; start_this_processor() on its own stack. It goes through the modes as boot.asm does, on the page
; tables that boot.asm made; they map all that is needed until the kernel's own are loaded.

MSR_EFER          equ 0xc0000080
MSR_GS_BASE       equ 0xc0000101
EFER_LONG_MODE    equ 1 << 8
CR4_PAE           equ 1 << 5
CR0_PAGING_WP_PE  equ 1 << 31 | 1 << 16 | 1

extern boot_gdt, boot_page_tables_physical
extern processor_root, processor_efer, processor_gs_base, processor_stack, processor_number
extern start_this_processor

; ---------------------------------------------------------------- copied to the page: real mode, CS:0
section .rodata progbits alloc noexec nowrite align=16
bits 16
global processor_first_steps, processor_first_steps_end
processor_first_steps:
    cli
    cld
    mov ax, cs
    mov ds, ax
    o32 lgdt [.gdt_pointer - processor_first_steps]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp dword 0x08:processor_protected_mode
align 4
.gdt_pointer:
    dw 4 * 8 - 1
    dd boot_gdt
processor_first_steps_end:

; ---------------------------------------------------------------- runs where it is linked: 32-bit, then 64-bit
section .boot progbits alloc exec nowrite align=16
bits 32
processor_protected_mode:
    mov eax, 0x18
    mov ds, eax
    mov es, eax
    mov ss, eax
    mov eax, CR4_PAE                ; and nothing else, whatever state the CPU was left in
    mov cr4, eax
    mov eax, boot_page_tables_physical
    mov cr3, eax
    mov ecx, MSR_EFER
    rdmsr
    or eax, EFER_LONG_MODE
    wrmsr
    mov eax, CR0_PAGING_WP_PE | 0x10
    mov cr0, eax
    jmp 0x10:.long_mode
bits 64
.long_mode:
    mov rax, processor_higher_half
    jmp rax

section .text progbits alloc exec nowrite align=16
processor_higher_half:
    xor eax, eax
    mov ds, eax
    mov es, eax
    mov fs, eax
    mov gs, eax
    mov ecx, MSR_EFER               ; no-execute pages, before loading tables that have them
    mov rax, [processor_efer]
    mov rdx, rax
    shr rdx, 32
    wrmsr
    mov rax, [processor_root]
    mov cr3, rax
    mov rsp, [processor_stack]
    mov ecx, MSR_GS_BASE
    mov rax, [processor_gs_base]
    mov rdx, rax
    shr rdx, 32
    wrmsr
    mov edi, [processor_number]
    xor ebp, ebp                    ; a backtrace ends here
    call start_this_processor
    ud2
