// SPDX-License-Identifier: MIT
// VmObject: pages that a mapping shows: a file's (a file system implements it) or shared
// anonymous memory. A private mapping copies a page when it writes to it.
#pragma once

#include <base/ref.h>
#include <base/result.h>

#include "mm/frame.h"
#include "mm/heap.h"

namespace base { class Writer; }

namespace mm {

enum class Access : u8 { Read, Write };

class VmObject : public RefCounted<VmObject> {
public:
    virtual ~VmObject() = default;
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
};

/// Zero-filled shared memory of a fixed size (mmap MAP_SHARED|MAP_ANONYMOUS).
Result<Ref<VmObject>> make_anonymous_object(u64 size);

}
