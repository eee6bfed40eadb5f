// SPDX-License-Identifier: MIT
// VmObject: pages that a mapping shows: a file's (a file system implements it) or shared
// anonymous memory. A private mapping copies a page when it writes to it.
// An object that may shrink knows the VMAs that show it, in every program: what lies beyond its new end must go.
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

/// A VMA's place among those that show an object, or the mark of who walks along them. Comes and goes with the lock of
/// its space held for writing, so that who holds that lock finds the space's VMAs standing still.
struct Mapping {
    base::ListHook link;
    AddressSpace* space = nullptr;   ///< null: in no list, or a mark. GUARDED_BY the object's mappings_lock_
};

class VmObject : public RefCounted<VmObject> {
public:
    enum class Size : bool { Fixed, Changing };
    explicit VmObject(Size size = Size::Fixed) : size_kind_(size) {}
    virtual ~VmObject() = default;
    bool may_shrink() const { return size_kind_ == Size::Changing; }
    /// The frame of page `index`, with a reference. May sleep. Read of a hole may yield the zero frame.
    /// Called with an address space's lock held. `fail(ENXIO)` past the end (a fault there is SIGBUS), ENOMEM.
    virtual Result<FrameRef> page(u64 index, Access access) = 0;
    /// Path and identity for /proc/PID/maps; empty for anonymous memory.
    virtual void describe(base::Writer& out) const = 0;
    virtual u64 device() const { return 0; }
    virtual u64 inode_number() const { return 0; }
    /// Bytes of a System V segment, which shmdt(2) takes out whole; 0: no segment.
    virtual u64 segment_size() const { return 0; }
    virtual u64 resident_pages() { return 0; }
    /// A program is about to share it; `may_write`: its descriptor may write. False: the mapping may never be written to.
    /// True: end_sharing() follows when it is mapped, or not. EPERM: it `writes` from the start, and may not.
    virtual Result<bool> begin_sharing([[maybe_unused]] bool writes, bool may_write) { return may_write; }
    virtual void end_sharing() {}
    /// A shared VMA came (`added`) or went; `writable`: it is or may become so (ETXTBSY, write counts).
    /// Called with an address space's lock held. Default: nothing.
    virtual void mapped([[maybe_unused]] bool added, [[maybe_unused]] bool writable) {}
    /// A program wrote to a page that it shares, for the first time since it mapped it. With an address space's lock held.
    virtual void written() {}

    /// `mapping` shows this object from now on / no more. For objects that may shrink.
    void enter(Mapping& mapping, AddressSpace& space) {
        MappingsGuard const guard(mappings_lock_);
        mapping.space = &space;
        mappings_.push_back(mapping);
    }
    void leave(Mapping& mapping) {
        MappingsGuard const guard(mappings_lock_);
        mapping.space = nullptr;
        mappings_.erase(mappings_.iterator_to(mapping));
    }
    /// Takes the pages from `first` on out of every program that shows them, and private copies of them too (as Linux): after
    /// it nobody reaches them. page() refuses them already. May sleep; takes the programs' locks one after the other.
    /// False: private copies stayed, because there was no frame left for a table of theirs.
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
    /// In the order they came: who forks or splits a VMA puts the new one behind the old.
    base::List<Mapping, &Mapping::link> mappings_ GUARDED_BY(mappings_lock_);
};

/// Zero-filled shared memory of a fixed size (mmap MAP_SHARED|MAP_ANONYMOUS).
Result<Ref<VmObject>> make_anonymous_object(u64 size);

}
