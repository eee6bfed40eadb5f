// SPDX-License-Identifier: MIT
// VmObject: the pages that a mapping shows: a file's (a file system implements it) or shared anonymous memory. A
// private mapping copies a page on the first write to it.
// Invariant: an object that may shrink knows every VMA that shows it, in every program, because what lies beyond its
// new end must go.
#pragma once

#include <arch/spin_lock.h>
#include <base/intrusive.h>
#include <base/ref.h>
#include <base/result.h>

#include "mm/frame.h"
#include "mm/heap.h"

namespace base { class Writer; }

namespace mm {

enum class Access : u8 { Read, Write };

class AddressSpace;

/// A VMA's place in the list of those that show an object, or the mark of a thread that walks the list. It enters and
/// leaves with its space's lock held for writing, so a holder of that lock sees the space's VMAs unchanged.
struct Mapping {
    base::ListHook link;
    AddressSpace* space = nullptr;   ///< null: in no list, or a mark; the object's mappings_lock_ guards it
};

class VmObject : public RefCounted<VmObject> {
public:
    enum class Size : bool { Fixed, Changing };
    explicit VmObject(Size size = Size::Fixed) : size_kind_(size) {}
    virtual ~VmObject() = default;
    bool may_shrink() const { return size_kind_ == Size::Changing; }
    /// The frame of page `index`, with a reference. May sleep. A read of a hole may return the zero frame. Called
    /// with an address space's lock held. `fail(ENXIO)`: past the end (a fault there is SIGBUS). ENOMEM.
    virtual Result<FrameRef> page(u64 index, Access access) = 0;
    /// Path and identity for /proc/PID/maps; empty for anonymous memory.
    virtual void describe(base::Writer& out) const = 0;
    virtual u64 device() const { return 0; }
    virtual u64 inode_number() const { return 0; }
    /// The size in bytes of a System V segment, which shmdt(2) removes as a whole; 0: not a segment.
    virtual u64 segment_size() const { return 0; }
    virtual u64 resident_pages() { return 0; }
    /// A program is about to map it shared; `may_write`: its descriptor allows writing. False: the mapping may never
    /// be written to. True: end_sharing() follows, whether or not the mapping succeeds. EPERM: it `writes` from the
    /// start, but may not.
    virtual Result<bool> begin_sharing([[maybe_unused]] bool writes, bool may_write) { return may_write; }
    virtual void end_sharing() {}
    /// A shared VMA was added or removed (`added`); `writable`: it is or may become writable (ETXTBSY, write counts).
    /// Called with an address space's lock held. Default: does nothing.
    virtual void mapped([[maybe_unused]] bool added, [[maybe_unused]] bool writable) {}
    /// A program wrote to a shared page for the first time since it mapped it. Called with an address space's lock
    /// held.
    virtual void written() {}

    /// `mapping` shows this object from now on / no longer. For objects that may shrink.
    void enter(Mapping& mapping, AddressSpace& space) {
        Locked const guard(mappings_lock_);
        mapping.space = &space;
        mappings_.push_back(mapping);
    }
    void leave(Mapping& mapping) {
        Locked const guard(mappings_lock_);
        mapping.space = nullptr;
        mappings_.erase(mappings_.iterator_to(mapping));
    }
    /// Removes the pages from `first` on from every program that maps them, including private copies (as Linux):
    /// afterwards nobody reaches them. page() already refuses them. May sleep; takes the programs' locks one after
    /// the other. False: private copies remain, because there was no frame for their table.
    bool unmap_from(u64 first);

private:
    friend AddressSpace;
    using MappingsLock = SpinLock<LockRank::mappings, PreemptOff>;
    using MappingsGuard = MappingsLock::Guard;
    Ref<AddressSpace> next_space(Mapping& mark);
    Mapping* next_of(Mapping& mark, AddressSpace const& space);
    void pass(Mapping& mark) REQUIRES(mappings_lock_);

    Size const size_kind_;
    MappingsLock mappings_lock_;
    /// In order of arrival: fork and split put the new VMA behind the old one.
    base::List<Mapping, &Mapping::link> mappings_ GUARDED_BY(mappings_lock_);
};

/// Zero-filled shared memory of a fixed size (mmap MAP_SHARED|MAP_ANONYMOUS).
Result<Ref<VmObject>> make_anonymous_object(u64 size);

}
