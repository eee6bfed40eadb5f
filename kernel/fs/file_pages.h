// SPDX-License-Identifier: MIT
// FilePages: the bytes of one file in memory, frame by frame, in a radix tree by page
// index; a hole costs nothing. It is what a mapping of the file shows. lock_ (spin) guards the tree
// and the size and is all that a page fault takes, so that a copy to or from a program may
// fault on the very file it reads or writes. Pages mapped before a truncation stay with their mapping.
#pragma once

#include <arch/spin_lock.h>

#include "kernel/fs/page_quota.h"
#include "kernel/fs/seals.h"
#include "mm/slab.h"
#include "mm/user/user_access.h"
#include "mm/user/vm_object.h"

namespace fs {

class Inode;

class FilePages final : public mm::VmObject {
public:
    /// Without a quota memory is the limit.
    FilePages(Inode& owner, u64 device, u64 number, Ref<PageQuota> quota)
        : owner_(&owner), device_(device), number_(number), quota_(std::move(quota)) {}
    ~FilePages() override;

    u64 size() const { return size_.load(std::memory_order_relaxed); }
    u64 frames() const { return frames_.load(std::memory_order_relaxed); }
    /// Bytes from `position` on; 0 at the end. EFAULT.
    Result<size_t> read(u64 position, mm::IoBuffer& buffer);
    /// Callers exclude each other (the inode's mutex). Grows the file. ENOSPC EFAULT.
    Result<size_t> write(u64 position, mm::IoBuffer& buffer);
    /// Callers exclude each other.
    void resize(u64 size);
    /// The inode dies; mappings may live on.
    void disown();

    Result<mm::FrameRef> page(u64 index, mm::Access access) override;
    void describe(base::Writer& out) const override;
    u64 device() const override { return device_; }
    u64 inode_number() const override { return number_; }
    Result<bool> begin_sharing(bool writes, bool may_write) override { return seals.begin_sharing(writes, may_write); }
    void end_sharing() override { seals.end_sharing(); }
    void mapped(bool added, bool writable) override { if (writable) seals.writable_mapping(added); }
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
    static bool reaches(unsigned height, u64 index) { return height * node_bits >= 64 || (index >> (height * node_bits)) == 0; }
    /// Puts `frame` at `index`, or gives what someone else put there first. ENOMEM ENOSPC.
    Result<mm::FrameRef> insert(u64 index, mm::FrameRef frame);
    /// False: needs another spare node.
    bool try_insert(u64 index, mm::FrameRef& frame, SpareNodes& spare);
    Result<size_t> write_new_page(u64 index, size_t offset, size_t size, mm::IoBuffer& buffer);
    void release_from(u64 first);
    static void extract(void*& slot, unsigned level, u64 first, Batch& out);
    void clear_tail(u64 size);

    mutable SpinLock<LockRank::inode_spin, PreemptOff> lock_;
    void* root_ = nullptr;                  ///< lock_: a frame at height 0, else a node
    unsigned height_ = 0;                   ///< lock_
    std::atomic<u64> size_{0};              ///< written under lock_
    std::atomic<u64> frames_{0};            ///< written under lock_
    Inode* owner_;                          ///< tree_lock
    u64 const device_, number_;
    Ref<PageQuota> const quota_;            ///< outlives the file system while a mapping has pages
};

}
