// SPDX-License-Identifier: MIT
// The parts of the kernel image and the rights that each needs; linker.ld defines the bounds.
#pragma once

#include <span>

#include <arch/paging.h>

namespace arch {

/// A page-aligned part of the image, mapped at kernel_image_base + physical address.
struct ImageSegment {
    char const* name;
    u64 start, end;      ///< virtual
    PageFlags flags;     ///< W^X: never writable and executable
    PhysAddr physical() const { return PhysAddr(start - kernel_image_base); }
};

/// Everything that is executed or read after boot.asm: text, rodata, data, symbols. The guard page of the boot stack
/// belongs to none of them and stays unmapped.
std::span<ImageSegment const> image_segments();

/// True for an address in the kernel's code.
bool is_kernel_text(u64 address);

u64 image_physical_start_address();
/// End of boot.asm's pages at 1 MiB, through which other CPUs also start; page aligned.
u64 boot_code_end_address();
/// End of the image with its symbol table, virtual, page aligned.
u64 image_end();

}
