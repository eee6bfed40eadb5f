// SPDX-License-Identifier: MIT
// The Multiboot2 structures that boot_info.cpp reads (Multiboot2 specification 2.0, 3.6).
#pragma once

#include <base/types.h>

namespace boot::multiboot2 {

inline constexpr u32 loader_magic = 0x36d76289;

inline constexpr u32 tag_end = 0, tag_command_line = 1, tag_loader_name = 2, tag_module = 3, tag_memory_map = 6,
                     tag_framebuffer = 8, tag_efi64_table = 12, tag_old_rsdp = 14, tag_new_rsdp = 15;

struct Information {
    u32 total_size;
    u32 reserved;
};

struct Tag {
    u32 type;
    u32 size;   ///< including this header, without the padding to 8
};

struct Module {
    Tag tag;
    u32 start, end;
};

struct MemoryMap {
    Tag tag;
    u32 entry_size, entry_version;
};

struct MemoryEntry {
    u64 address, length;
    u32 type, reserved;
};

struct [[gnu::packed]] Framebuffer {
    Tag tag;
    u64 address;
    u32 pitch, width, height;
    u8 bits_per_pixel, type;
    u16 reserved;
    u8 red_position, red_size, green_position, green_size, blue_position, blue_size;
};

}
