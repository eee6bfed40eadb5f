// SPDX-License-Identifier: MIT
// What the loader reported, in one form for Multiboot2 and PVH. boot/boot_info.cpp fills it once; later code never
// reads a loader's own structures.
#pragma once

#include <string_view>

#include <base/types.h>

namespace boot {

struct MemoryRange {
    PhysAddr start;
    u64 size = 0;
    bool usable = false;   ///< type 1; every other type is reserved
};

struct Framebuffer {
    enum class Kind : u8 { None, Linear, Text };
    Kind kind = Kind::None;
    PhysAddr address;
    u32 pitch = 0, width = 0, height = 0;   ///< bytes a line; pixels (characters for Text)
    u8 bits_per_pixel = 0;
    u8 red_position = 0, red_size = 0, green_position = 0, green_size = 0, blue_position = 0, blue_size = 0;
};

struct BootInfo {
    static constexpr size_t max_ranges = 256;
    MemoryRange memory[max_ranges];
    size_t memory_count = 0;
    char command_line[2048] = {};    ///< NUL-terminated
    char loader_name[64] = {};
    PhysAddr initramfs;              ///< the first module; all or part of it may lie outside RAM, or above 4 GiB
    u64 initramfs_size = 0;
    PhysAddr rsdp;                   ///< a *copy* may be in rsdp_copy (Multiboot2 embeds it)
    u8 rsdp_copy[36] = {};
    bool has_rsdp_copy = false;
    bool uefi = false;
    Framebuffer framebuffer;

    std::string_view command() const { return command_line; }
};

extern constinit BootInfo boot_info;

/// Fills boot_info from what the loader left at `information`: Multiboot2 tags or PVH's hvm_start_info, distinguished
/// by `magic`. Leaves out what is corrupt, with a warning.
void read_boot_info(u32 magic, PhysAddr information);

/// End of what the kernel reserves below its image: the low MiB and, behind it, boot.asm's pages.
PhysAddr low_memory_end();
/// Physical extent of the kernel image (from linker.ld), page aligned.
PhysAddr kernel_start();
PhysAddr kernel_end();

}
