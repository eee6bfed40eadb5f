// SPDX-License-Identifier: MIT
// Shared anonymous memory: frames made on first use, in a radix tree of 512-way nodes whose height follows from the
// size, so a huge, sparse object costs little. lock_ protects the tree.
#include <atomic>

#include <base/format.h>

#include "kernel/sync/mutex.h"
#include "mm/frame_allocator.h"
#include "mm/user/user_page.h"
#include "mm/user/vm_object.h"

namespace mm {

namespace {

constexpr unsigned node_shift = 9;
constexpr u64 node_slots = u64{1} << node_shift;

/// A slot holds one reference to a node or, on the lowest level, to a page.
using Slot = Frame*;

Slot* slots_of(Frame& node) { return static_cast<Slot*>(arch::direct_map(frame_address(node))); }

constinit std::atomic<u64> next_inode_number{1};

class AnonymousObject final : public VmObject {
public:
    explicit AnonymousObject(u64 pages) : pages_(pages) {
        while (pages > u64{1} << (node_shift * height_)) ++height_;
    }
    ~AnonymousObject() override { release_tree(); }

    Result<FrameRef> page(u64 index, Access) override {
        if (index >= pages_) return fail(ENXIO);
        Locked const guard(lock_);
        Slot& slot = *TRY(find_slot(index));
        if (!slot) {
            slot = &TRY(frame_allocator.allocate(0, Fill::Zero, Urgency::User)).leak();
            ++resident_;
        }
        return FrameRef::share(*slot);
    }
    void describe(base::Writer& out) const override { out.write("/dev/zero (deleted)"); }
    u64 device() const override { return 1; }   // as on Linux: 00:01, its internal tmpfs
    u64 inode_number() const override { return inode_number_; }
    u64 resident_pages() override {
        Locked const guard(lock_);
        return resident_;
    }

private:
    /// The slot of page `index`; makes the nodes above it. ENOMEM.
    Result<Slot*> find_slot(u64 index) REQUIRES(lock_) {
        Slot* slot = &root_;
        for (unsigned level = height_; level > 0; --level) {
            if (!*slot) *slot = &TRY(frame_allocator.allocate(0, Fill::Zero, Urgency::User)).leak();
            slot = &slots_of(**slot)[(index >> (node_shift * (level - 1))) % node_slots];
        }
        return slot;
    }

    /// Without recursion: the path down to the current position is an array of at most 4 nodes.
    /// Not analysed: only the destructor calls it, when no other reference is left.
    void release_tree() NO_THREAD_SAFETY_ANALYSIS {
        Frame* node[8] = {};
        u64 next[8] = {};
        unsigned level = height_;
        node[level] = root_;
        while (root_ && level <= height_) {
            bool const is_page = level == 0;
            if (is_page || next[level] == node_slots) {
                frame_release(*node[level]);
                ++level;
                continue;
            }
            Frame* const child = slots_of(*node[level])[next[level]++];
            if (!child) continue;
            --level;
            node[level] = child;
            next[level] = 0;
        }
    }

    u64 const pages_;
    u64 const inode_number_ = next_inode_number.fetch_add(1, std::memory_order_relaxed);
    unsigned height_ = 0;
    sync::Mutex<LockRank::vm_object> lock_;
    Slot root_ GUARDED_BY(lock_) = nullptr;
    u64 resident_ GUARDED_BY(lock_) = 0;   ///< pages made
};

}

Result<Ref<VmObject>> make_anonymous_object(u64 size) {
    return Ref<VmObject>(TRY(make_ref<AnonymousObject>(align_up(size, page_size) >> page_shift)));
}

}
