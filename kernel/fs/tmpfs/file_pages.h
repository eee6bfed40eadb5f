// SPDX-License-Identifier: MIT
// FilePages: the bytes of one file in memory, frame by frame, in a radix tree by page
// index; a hole costs nothing. It is what a mapping of the file shows. lock_ (spin) guards the tree
// and the size and is all that a page fault takes, so that a copy to or from a program may
// fault on the very file it reads or writes. A truncation sets the size, takes the pages beyond it out of all programs,
// and then frees them: a fault looks at the size again under lock_ before it enters a page.
#pragma once

#include <arch/spin_lock.h>

#include "kernel/fs/tmpfs/page_quota.h"
#include "kernel/fs/tmpfs/seals.h"
#include "mm/slab.h"
#include "mm/user/user_access.h"
#include "mm/user/vm_object.h"

namespace fs {

class Inode;

class FilePages final : public mm::VmObject {
public:
    /// Without a quota memory is the limit.
    FilePages(Inode& owner, u64 device, u64 number, Ref<PageQuota> quota)
        : VmObject(Size::Changing), owner_(&owner), device_(device), number_(number), quota_(std::move(quota)) {}
    ~FilePages() override;

    u64 size() const { return size_.load(std::memory_order_relaxed); }
    u64 frames() const { return frames_.load(std::memory_order_relaxed); }
    /// Bytes from `position` on; 0 at the end. Less than asked for if the caller is to die. EFAULT.
    Result<size_t> read(u64 position, mm::IoBuffer& buffer);
    /// Callers exclude each other (the inode's mutex). Grows the file. ENOSPC EFAULT.
    Result<size_t> write(u64 position, mm::IoBuffer& buffer);
    /// Callers exclude each other, and hold no program's lock: pages beyond the end leave the programs that map them.
    void resize(u64 size);
    /// The first position from `position` on, below `end`, in a page that is there, or in a hole; else `end`.
    u64 next_data(u64 position, u64 end) const { return next_run(position, end, true); }
    u64 next_hole(u64 position, u64 end) const { return next_run(position, end, false); }
    /// The inode dies; mappings may live on.
    void disown();

    Result<mm::FrameRef> page(u64 index, mm::Access access) override;
    void describe(base::Writer& out) const override;
    u64 device() const override { return device_; }
    u64 inode_number() const override { return number_; }
    Result<bool> begin_sharing(bool writes, bool is_writable) override { return seals.begin_sharing(writes, is_writable); }
    void end_sharing() override { seals.end_sharing(); }
    void mapped(bool added, bool writable) override { if (writable) seals.writable_mapping(added); }
    void written() override;
    Seals seals;

    MM_OBJECT_CACHE(FilePages)
private:
    static constexpr unsigned node_bits = 6;
    static constexpr size_t node_slots = size_t{1} << node_bits;
    struct Node;
    class SpareNodes;
    struct Batch;
    using Guard = SpinLock<LockRank::inode_spin, PreemptOff>::Guard;

    mm::FrameRef find(u64 index) const;
    mm::Frame* probe(u64 index) const;
    u64 next_run(u64 position, u64 end, bool is_data) const;
    u64 hole_at(u64 index) const;
    static bool reaches(unsigned height, u64 index) { return height * node_bits >= 64 || (index >> (height * node_bits)) == 0; }
    /// Whether a page may lie beyond the end: a writer's may, which then moves the end.
    enum class Bound : bool { None, Size };
    /// Puts `frame` at `index`, or gives what someone else put there first. ENOMEM ENOSPC; ENXIO: it would lie beyond the end.
    Result<mm::FrameRef> insert(u64 index, mm::FrameRef frame, Bound bound);
    enum class Entered : u8 { Yes, NeedsNode, PastEnd };
    Entered try_insert(u64 index, mm::FrameRef& frame, SpareNodes& spare, Bound bound);
    bool is_past_end(u64 index) const { return index >= (size() + page_mask) >> page_shift; }
    Result<size_t> write_new_page(u64 index, size_t offset, size_t size, mm::IoBuffer& buffer);
    void release_from(u64 first);
    static void extract(void*& slot, unsigned level, u64 first, Batch& out);
    void clear_tail(u64 size);

    mutable SpinLock<LockRank::inode_spin, PreemptOff> lock_;
    void* root_ = nullptr;                  ///< lock_: a frame at height 0, else a node
    unsigned height_ = 0;                   ///< lock_
    std::atomic<u64> size_{0};              ///< written under lock_
    std::atomic<u64> frames_{0};            ///< written under lock_
    mutable SpinLock<LockRank::mappings, PreemptOff> owner_lock_;
    Inode* owner_;                          ///< owner_lock_
    u64 const device_, number_;
    Ref<PageQuota> const quota_;            ///< outlives the file system while a mapping has pages
};

}
