// SPDX-License-Identifier: MIT
// The bounds that linker.ld defines, as typed values, and this CPU's TLB flushes.
#include <arch/image.h>

extern "C" char const image_physical_start[], text_start[], text_end[], rodata_start[], rodata_end[], data_start[], boot_stack_guard[],
    boot_stack_bottom[], data_end[], boot_code_end[], symbol_table_start[], per_cpu_start[];

/// Distance from the per-CPU template to this copy; boot.asm sets the boot CPU's.
extern "C" {
[[gnu::section(".percpu")]] constinit u64 per_cpu_self_offset = 0;
}

namespace arch {

namespace {

/// The second word of the symbol table's header (kernel/base/symbols.cpp), which is written after linking.
u64 symbol_table_size() {
    auto const* header = reinterpret_cast<u32 const*>(symbol_table_start);
    asm("" : "+r"(header));
    return header[1];
}

u64 address(char const* symbol) { return reinterpret_cast<u64>(symbol); }

constexpr PageFlags code{.executable = true, .global = true};
constexpr PageFlags constants{.global = true};
constexpr PageFlags variables{.writable = true, .global = true};

constinit ImageSegment segments[5] = {};

}

std::span<ImageSegment const> image_segments() {
    segments[0] = {"text", address(text_start), align_up(address(text_end), page_size), code};
    segments[1] = {"rodata", address(rodata_start), align_up(address(rodata_end), page_size), constants};
    segments[2] = {"data", address(data_start), address(boot_stack_guard), variables};
    segments[3] = {"boot stack", address(boot_stack_bottom), align_up(address(data_end), page_size), variables};
    segments[4] = {"symbols", address(symbol_table_start), image_end(), constants};
    return segments;
}

bool is_kernel_text(u64 a) { return a >= address(text_start) && a < address(text_end); }
u64 boot_code_end_address() { return address(boot_code_end); }
u64 image_physical_start_address() { return address(image_physical_start); }
u64 image_end() { return align_up(address(symbol_table_start) + symbol_table_size(), page_size); }

namespace {

/// INVPCID (Intel SDM vol. 2): which translations it drops, and of which PCID.
enum class Invalidate : u64 { Context = 1, Everything = 2 };
void invpcid(Invalidate what, u64 pcid) {
    struct { u64 pcid, address; } const descriptor{pcid, 0};
    asm volatile("invpcid %0, %1" : : "m"(descriptor), "r"(static_cast<u64>(what)) : "memory");
}

u64 read_cr3() { u64 v; asm volatile("movq %%cr3, %0" : "=r"(v)); return v; }

}

void tlb_flush_all() {
    u64 const cr3 = read_cr3();
    if (cpu_features.invpcid) invpcid(Invalidate::Context, cr3 & page_mask);
    else load_page_table_root(PhysAddr(cr3));
}

void tlb_flush_global() {
    constexpr u64 global_pages = 1 << 7;
    if (cpu_features.invpcid) return invpcid(Invalidate::Everything, 0);
    if (!cpu_features.pge) return tlb_flush_all();
    u64 cr4;
    asm volatile("movq %%cr4, %0" : "=r"(cr4));
    asm volatile("movq %0, %%cr4\n\tmovq %1, %%cr4" : : "r"(cr4 & ~global_pages), "r"(cr4) : "memory");
}

}
