// SPDX-License-Identifier: MIT
// Page-table entries of x86-64, and this CPU's TLB. The walker (mm/page_table_walker.h) touches entry bits only
// through here. Intel SDM vol. 3, 4.5.
#pragma once

#include <arch/cpu.h>
#include <base/types.h>

namespace arch {

inline constexpr unsigned page_table_levels = 4;      ///< 4 = PML4 … 1 = leaf table
inline constexpr unsigned entries_per_table = 512;

/// The kernel's address-space layout.
inline constexpr u64 user_space_end = 0x0000'7fff'ffff'f000;      ///< first address that no program has (as Linux)
inline constexpr u64 direct_map_base = 0xffff'8000'0000'0000;     ///< all physical memory; 64 TiB
inline constexpr u64 kernel_space_base = 0xffff'c000'0000'0000;   ///< stacks, MMIO, large allocations
inline constexpr u64 kernel_space_size = 0x0000'2000'0000'0000;
inline constexpr u64 kernel_image_base = 0xffff'ffff'8000'0000;   ///< link address of physical 0

inline void* direct_map(PhysAddr address) { return reinterpret_cast<void*>(direct_map_base + address.value()); }
inline PhysAddr direct_map_inverse(void const* pointer) { return PhysAddr(reinterpret_cast<u64>(pointer) - direct_map_base); }

enum class CacheMode : u8 { WriteBack, WriteCombining, Uncached };

struct PageFlags {
    bool writable = false, user = false, executable = false, global = false;
    CacheMode cache = CacheMode::WriteBack;
    constexpr bool operator==(PageFlags const&) const = default;
};

/// One entry, of any level.
class PageEntry {
public:
    constexpr PageEntry() = default;
    explicit constexpr PageEntry(u64 raw) : raw_(raw) {}
    /// A leaf that maps `frame` (4 KiB at level 1, larger with `large`).
    static PageEntry leaf(PhysAddr frame, PageFlags flags, bool large = false) {
        u64 raw = frame.value() | present_bit;
        if (flags.writable) raw |= writable_bit;
        if (flags.user) raw |= user_bit;
        if (flags.global && cpu_features.pge) raw |= global_bit;
        if (!flags.executable && cpu_features.nx) raw |= no_execute_bit;
        if (flags.cache == CacheMode::Uncached) raw |= cache_disable_bit | write_through_bit;
        if (flags.cache == CacheMode::WriteCombining) raw |= cpu_features.pat ? write_through_bit : cache_disable_bit;   // PAT entry 1 = WC
        if (large) raw |= large_bit;
        return PageEntry(raw);
    }
    /// An entry that points to the next table; the leaves below decide the rights.
    static constexpr PageEntry table(PhysAddr frame, bool user) {
        return PageEntry(frame.value() | present_bit | writable_bit | (user ? user_bit : 0));
    }
    /// A leaf that nobody may access, not even the kernel, but that keeps its frame (mprotect PROT_NONE). It counts
    /// as present; the CPU ignores all other bits of an entry whose present bit is clear.
    constexpr PageEntry without_access() const { return PageEntry((raw_ & ~present_bit) | no_access_bit); }
    constexpr bool is_present() const { return raw_ & (present_bit | no_access_bit); }
    constexpr bool is_accessible() const { return raw_ & present_bit; }
    constexpr bool is_writable() const { return raw_ & writable_bit; }
    constexpr bool is_user() const { return raw_ & user_bit; }
    constexpr bool is_large() const { return raw_ & large_bit; }
    constexpr bool is_dirty() const { return raw_ & dirty_bit; }
    constexpr bool is_accessed() const { return raw_ & accessed_bit; }
    constexpr bool is_executable() const { return !(raw_ & no_execute_bit); }
    constexpr PhysAddr address() const { return PhysAddr(raw_ & address_mask); }
    constexpr PageEntry without_write() const { return PageEntry(raw_ & ~writable_bit); }
    constexpr PageEntry with_write() const { return PageEntry(raw_ | writable_bit); }
    constexpr u64 raw() const { return raw_; }
    constexpr bool operator==(PageEntry const&) const = default;
private:
    static constexpr u64 present_bit = 1, writable_bit = 2, user_bit = 4, write_through_bit = 8, cache_disable_bit = 16,
                         accessed_bit = 32, dirty_bit = 64, large_bit = 128, global_bit = 256, no_access_bit = global_bit, no_execute_bit = 1ull << 63,
                         address_mask = 0x000f'ffff'ffff'f000;
    u64 raw_ = 0;
};

// ---- TLB of this CPU

inline void tlb_flush_page(u64 address) { asm volatile("invlpg (%0)" : : "r"(address) : "memory"); }
/// Drops every entry that is not global.
void tlb_flush_all();
/// Drops every entry, including global ones.
void tlb_flush_global();

inline PhysAddr current_page_table_root() {
    u64 root;
    asm volatile("movq %%cr3, %0" : "=r"(root));
    return PhysAddr(root & ~page_mask);
}
/// CR2: the address of this CPU's last page fault.
inline u64 last_fault_address() { u64 v; asm volatile("movq %%cr2, %0" : "=r"(v)); return v; }
inline void load_page_table_root(PhysAddr root) { asm volatile("movq %0, %%cr3" : : "r"(root.value()) : "memory"); }

}
