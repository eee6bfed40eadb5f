// SPDX-License-Identifier: MIT
// Vma: one range of a program's memory in which every page has the same rights and the same source. A VmaSet owns it;
// the space's lock protects every field except has_private_pages.
#pragma once

#include <atomic>

#include <arch/paging.h>
#include <base/intrusive.h>

#include "mm/slab.h"
#include "mm/user/vm_object.h"

namespace mm {

struct Protection {
    bool read = false, write = false, execute = false;
    constexpr bool operator==(Protection const&) const = default;
    constexpr bool none() const { return !read && !write && !execute; }
    /// True if `other` allows nothing beyond this.
    constexpr bool covers(Protection other) const {
        return (read || !other.read) && (write || !other.write) && (execute || !other.execute);
    }
};

enum class Sharing : u8 { Private, Shared };
/// mlock(2). Nothing is ever paged out: locked memory is filled, counted, and not freed by madvise. OnFault: filled
/// on use.
enum class Locking : u8 { None, Locked, OnFault };
enum class VmaKind : u8 { Ordinary, Heap, Stack };   ///< Stack grows down: the program's, and MAP_GROWSDOWN

/// The properties in which neighbouring VMAs may differ.
struct VmaAttributes {
    Protection protection;
    Protection max_protection{true, true, true};
    Sharing sharing = Sharing::Private;
    VmaKind kind = VmaKind::Ordinary;
    bool no_reserve = false;
    Locking locking = Locking::None;
    /// The open file, or the attachment of a segment, that the object came by: two of them never form one VMA.
    /// Numbers recur after 2^32, which at worst lets two neighbours merge.
    u32 opening = 0;
    constexpr bool operator==(VmaAttributes const&) const = default;
};

struct Vma : Mapping {
    base::TreeHook hook;
    u64 start, end;                ///< page aligned, start < end
    u64 offset;                    ///< where `start` lies in the object, bytes
    Ref<VmObject> const object;    ///< null: private anonymous memory
    VmaAttributes attributes;      ///< rights change by set_protection()
    arch::PageEntry rights;        ///< a page's entry with all rights that `attributes` gives, without its frame
    /// Some page is this program's own copy, so fork must copy entries. Faults set it, which hold the space's lock
    /// only for reading. Ordering: relaxed; fork holds it for writing.
    std::atomic<bool> has_private_pages{false};
    Vma* next_removed = nullptr;   ///< in RemovedVmas
    // VmaSet's, while it keeps a tree of gaps: the free bytes below this VMA, and the largest gap below any VMA of
    // its subtree.
    u64 gap = 0, largest_gap = 0;

    Vma(u64 from, u64 to, u64 object_offset, Ref<VmObject> source, VmaAttributes const& what);
    ~Vma();
    /// A VMA with the same pages from the same source. Null: no memory.
    Vma* clone(u64 from, u64 to) const;

    void set_protection(Protection protection) {
        attributes.protection = protection;
        auto const entry = arch::PageEntry::leaf(PhysAddr(), {.writable = protection.write, .user = true, .executable = protection.execute});
        rights = protection.none() ? entry.without_access() : entry;
    }

    u64 pages() const { return (end - start) >> page_shift; }
    bool contains(u64 address) const { return address >= start && address < end; }
    u64 page_index(u64 address) const { return (offset + (address - start)) >> page_shift; }
    bool is_stack() const { return attributes.kind == VmaKind::Stack; }
    bool is_shared() const { return attributes.sharing == Sharing::Shared; }
    bool is_locked() const { return attributes.locking != Locking::None; }
    bool is_private_writable() const { return !is_shared() && attributes.protection.write; }
    /// True if `upper`, which starts where this VMA ends, could be merged with it.
    bool can_merge_with(Vma const& upper) const;

    MM_OBJECT_CACHE(Vma)
};

struct VmaStart {
    using type = u64;
    u64 operator()(Vma const& vma) const { return vma.start; }
};

/// VMAs that have been removed: they are deleted after the space's lock is released, because the last reference to a
/// file may take locks that rank below it.
class RemovedVmas {
public:
    RemovedVmas() = default;
    RemovedVmas(RemovedVmas const&) = delete;
    ~RemovedVmas();
    void add(Vma& vma) { vma.next_removed = first_; first_ = &vma; }
private:
    Vma* first_ = nullptr;
};

}
