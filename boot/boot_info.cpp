// SPDX-License-Identifier: MIT
// Converts what the loader left in memory (Multiboot2 tags, or PVH's hvm_start_info) into boot_info. Runs once, on
// the boot page tables, which map only the low 4 GiB: a higher address is treated as corrupt.
// Invariant: no size and no pointer from the loader is trusted.
#include <boot/boot_info.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include <arch/image.h>
#include <arch/paging.h>
#include <base/log.h>
#include <base/panic.h>
#include <xen/arch-x86/hvm/start_info.h>

#include "boot/multiboot2.h"

namespace boot {

constinit BootInfo boot_info;

namespace {

constexpr u64 mapped_end = 4 * gib;   ///< what boot.asm mapped
constexpr u32 max_information_size = 16 * mib;
constexpr u32 max_modules = 64;

bool is_mapped(u64 address, u64 size) { return address != 0 && address < mapped_end && size <= mapped_end - address; }

/// Bytes of low memory as a T; null if they cannot lie there.
template <class T>
T const* at(u64 address, u64 count = 1) {
    if (count > mapped_end / sizeof(T) || !is_mapped(address, count * sizeof(T))) return nullptr;
    return static_cast<T const*>(arch::direct_map(PhysAddr(address)));
}

template <size_t capacity>
void copy_text(char (&to)[capacity], char const* from, u64 limit) {
    size_t length = 0;
    while (length < limit && length < capacity - 1 && from[length]) ++length;
    std::memcpy(to, from, length);
    to[length] = 0;
    if (length < limit && from[length]) log_warning("boot", "text from the loader cut to {} bytes", length);
}

void add_memory(u64 start, u64 size, bool usable) {
    if (size == 0) return;
    if (start + size < start) size = 0 - start;
    if (boot_info.memory_count == BootInfo::max_ranges) {
        log_warning("boot", "memory map has more than {} ranges; {:#x} left out", u64{BootInfo::max_ranges}, start);
        return;
    }
    boot_info.memory[boot_info.memory_count++] = {PhysAddr(start), size, usable};
}

/// The first module is the initramfs; others are ignored.
void add_module(u64 start, u64 size) {
    if (start == 0 || size > ~start) {
        log_warning("boot", "module at {:#x} of {} bytes ignored: it cannot lie there", start, size);
        return;
    }
    if (boot_info.initramfs_size != 0 || size == 0) return;
    boot_info.initramfs = PhysAddr(start);
    boot_info.initramfs_size = size;
}

// ---------------------------------------------------------------- Multiboot2

/// A tag as a T; null if the tag is too short for one.
template <class T>
T const* tag_as(multiboot2::Tag const& tag) {
    return tag.size >= sizeof(T) ? reinterpret_cast<T const*>(&tag) : nullptr;
}

template <size_t capacity>
void read_text(char (&to)[capacity], multiboot2::Tag const& tag) {
    copy_text(to, reinterpret_cast<char const*>(&tag + 1), tag.size - sizeof(multiboot2::Tag));
}

void read_memory_map(multiboot2::Tag const& tag) {
    auto const* map = tag_as<multiboot2::MemoryMap>(tag);
    if (!map || map->entry_size < sizeof(multiboot2::MemoryEntry)) return;
    auto const* bytes = reinterpret_cast<u8 const*>(map);
    for (u64 offset = sizeof *map; offset + map->entry_size <= tag.size; offset += map->entry_size) {
        multiboot2::MemoryEntry entry;
        std::memcpy(&entry, bytes + offset, sizeof entry);
        add_memory(entry.address, entry.length, entry.type == 1);
    }
}

void read_framebuffer(multiboot2::Tag const& tag) {
    auto const* info = tag_as<multiboot2::Framebuffer>(tag);
    if (!info || info->address == 0 || info->pitch == 0) return;
    auto& out = boot_info.framebuffer;
    if (info->type == 1 && info->bits_per_pixel >= 15) {
        out.kind = Framebuffer::Kind::Linear;
        out.red_position = info->red_position, out.red_size = info->red_size;
        out.green_position = info->green_position, out.green_size = info->green_size;
        out.blue_position = info->blue_position, out.blue_size = info->blue_size;
    } else if (info->type == 2) {
        out.kind = Framebuffer::Kind::Text;
    } else {
        return;
    }
    out.address = PhysAddr(info->address);
    out.pitch = info->pitch, out.width = info->width, out.height = info->height;
    out.bits_per_pixel = info->bits_per_pixel;
}

/// A loader may give both versions; the newer one (36 bytes) wins.
void read_rsdp(multiboot2::Tag const& tag, size_t length) {
    if (tag.size < sizeof tag + length || (boot_info.has_rsdp_copy && length < sizeof boot_info.rsdp_copy)) return;
    std::memcpy(boot_info.rsdp_copy, &tag + 1, length);
    boot_info.has_rsdp_copy = true;
}

void read_tag(multiboot2::Tag const& tag) {
    using namespace multiboot2;
    switch (tag.type) {
    case tag_command_line: read_text(boot_info.command_line, tag); break;
    case tag_loader_name: read_text(boot_info.loader_name, tag); break;
    case tag_module:
        if (auto const* module = tag_as<Module>(tag); module && module->end > module->start)
            add_module(module->start, module->end - module->start);
        break;
    case tag_memory_map: read_memory_map(tag); break;
    case tag_framebuffer: read_framebuffer(tag); break;
    case tag_efi64_table: boot_info.uefi = true; break;
    case tag_old_rsdp: read_rsdp(tag, 20); break;
    case tag_new_rsdp: read_rsdp(tag, 36); break;
    }
}

void read_multiboot2(u64 address) {
    auto const* header = at<multiboot2::Information>(address);
    if (!header || header->total_size < sizeof *header || header->total_size > max_information_size
        || !is_mapped(address, header->total_size)) {
        log_warning("boot", "Multiboot2 information at {:#x} is not usable", address);
        return;
    }
    u64 const end = address + header->total_size;
    for (u64 position = address + sizeof *header; position + sizeof(multiboot2::Tag) <= end;) {
        auto const& tag = *at<multiboot2::Tag>(position);
        if (tag.type == multiboot2::tag_end) return;
        if (tag.size < sizeof tag || tag.size > end - position) {
            log_warning("boot", "Multiboot2 tag {} has size {}; the rest is ignored", tag.type, tag.size);
            return;
        }
        read_tag(tag);
        position = align_up(position + tag.size, 8);
    }
}

// ---------------------------------------------------------------- PVH

void read_pvh_memory(hvm_start_info const& info) {
    auto const* entries = at<hvm_memmap_table_entry>(info.memmap_paddr, info.memmap_entries);
    if (info.version < 1 || !entries) return;
    for (u32 i = 0; i < info.memmap_entries; ++i)
        add_memory(entries[i].addr, entries[i].size, entries[i].type == XEN_HVM_MEMMAP_TYPE_RAM);
}

void read_pvh_modules(hvm_start_info const& info) {
    u32 const count = std::min(info.nr_modules, max_modules);
    auto const* modules = at<hvm_modlist_entry>(info.modlist_paddr, count);
    for (u32 i = 0; modules && i < count; ++i) add_module(modules[i].paddr, modules[i].size);
}

void read_pvh(u64 address) {
    auto const* info = at<hvm_start_info>(address);
    if (!info || info->magic != XEN_HVM_START_MAGIC_VALUE) {
        log_warning("boot", "PVH start information at {:#x} is not usable", address);
        return;
    }
    copy_text(boot_info.loader_name, "PVH", 3);
    if (auto const* text = at<char>(info->cmdline_paddr)) copy_text(boot_info.command_line, text, mapped_end - info->cmdline_paddr);
    boot_info.rsdp = PhysAddr(info->rsdp_paddr);
    read_pvh_memory(*info);
    read_pvh_modules(*info);
}

}

void read_boot_info(u32 magic, PhysAddr information) {
    if (magic == multiboot2::loader_magic) read_multiboot2(information.value());
    else read_pvh(information.value());
    if (boot_info.memory_count == 0) panic("the boot loader gave no memory map");
}

PhysAddr low_memory_end() { return PhysAddr(arch::boot_code_end_address()); }
PhysAddr kernel_start() { return PhysAddr(arch::image_physical_start_address()); }
PhysAddr kernel_end() { return PhysAddr(arch::image_end() - arch::kernel_image_base); }

}
