// SPDX-License-Identifier: MIT
// The pages of a file in memory.
#include "kernel/fs/tmpfs/file_pages.h"

#include <algorithm>
#include <cstring>

#include <base/format.h>

#include "kernel/fs/vfs.h"
#include "mm/frame_allocator.h"
#include "sched/thread.h"

namespace fs {

MM_OBJECT_CACHE_DEFINE(FilePages)

struct FilePages::Node {
    void* slots[node_slots] = {};
    MM_OBJECT_CACHE(Node)
};

mm::ObjectCache& FilePages::Node::object_cache() {
    static constinit mm::ObjectCache cache("FilePages::Node", sizeof(Node), alignof(Node));
    return cache;
}

/// Nodes made before the lock is taken, since nothing is allocated under it.
class FilePages::SpareNodes {
public:
    ~SpareNodes() { delete node_; }
    Result<> refill() {
        if (!node_) node_ = new (std::nothrow) Node();
        if (!node_) return fail(ENOMEM);
        return {};
    }
    Node* take() { return std::exchange(node_, nullptr); }
private:
    Node* node_ = nullptr;
};

/// Frames on their way out.
struct FilePages::Batch {
    static constexpr size_t capacity = 64;
    mm::Frame* frames[capacity];
    size_t count = 0;
    bool is_full() const { return count == capacity; }
};

FilePages::~FilePages() { release_from(0); }

void FilePages::disown() {
    Locked guard(owner_lock_);
    owner_ = nullptr;
}

/// As on Linux, the first write to a page that was not there sets the times as write(2) does.
void FilePages::written() {
    Locked guard(owner_lock_);
    if (owner_) owner_->touch_modified();
}

mm::Frame* FilePages::probe(u64 index) const {
    if (!reaches(height_, index)) return nullptr;
    void* slot = root_;
    for (unsigned level = height_; level > 0 && slot; --level)
        slot = static_cast<Node*>(slot)->slots[(index >> ((level - 1) * node_bits)) & (node_slots - 1)];
    return static_cast<mm::Frame*>(slot);
}

mm::FrameRef FilePages::find(u64 index) const {
    Locked guard(lock_);
    mm::Frame* const frame = probe(index);
    return frame ? mm::FrameRef::share(*frame) : mm::FrameRef();
}

/// How many pages from `index` on are known not to be there; 0: it is there. With lock_.
u64 FilePages::hole_at(u64 index) const {
    constexpr u64 all = ~u64{0};
    if (!reaches(height_, index)) return all - index;
    void* slot = root_;
    unsigned level = height_;
    for (; level > 0 && slot; --level)
        slot = static_cast<Node*>(slot)->slots[(index >> ((level - 1) * node_bits)) & (node_slots - 1)];
    if (slot) return 0;
    u64 const span = level * node_bits >= 64 ? all : u64{1} << (level * node_bits);
    return span - (index & (span - 1));
}

/// A few pages or holes with the lock held.
u64 FilePages::next_run(u64 position, u64 end, bool is_data) const {
    constexpr int turns_at_once = 64;
    u64 const end_index = (end + page_mask) >> page_shift;
    for (u64 index = position >> page_shift; index < end_index && !sched::caller_is_dying();) {
        Locked guard(lock_);
        for (int turn = 0; turn < turns_at_once && index < end_index; ++turn) {
            u64 const hole = hole_at(index);
            if ((hole == 0) == is_data) return std::max(position, index << page_shift);
            index += std::clamp<u64>(hole, 1, end_index - index);
        }
    }
    return end;
}

FilePages::Entered FilePages::try_insert(u64 index, mm::FrameRef& frame, SpareNodes& spare, Bound bound) {
    Locked guard(lock_);
    if (bound == Bound::Size && is_past_end(index)) return Entered::PastEnd;
    if (!root_) height_ = 0;
    while (!reaches(height_, index)) {
        if (root_) {
            Node* const node = spare.take();
            if (!node) return Entered::NeedsNode;
            node->slots[0] = root_;
            root_ = node;
        }
        ++height_;
    }
    void** slot = &root_;
    for (unsigned level = height_; level > 0; --level) {
        if (!*slot && !(*slot = spare.take())) return Entered::NeedsNode;
        slot = &static_cast<Node*>(*slot)->slots[(index >> ((level - 1) * node_bits)) & (node_slots - 1)];
    }
    if (*slot) {
        frame = mm::FrameRef::share(*static_cast<mm::Frame*>(*slot));
        return Entered::Yes;
    }
    *slot = &frame.record();
    mm::frame_acquire(frame.record());
    frames_.store(frames() + 1, std::memory_order_relaxed);
    return Entered::Yes;
}

Result<mm::FrameRef> FilePages::insert(u64 index, mm::FrameRef frame, Bound bound) {
    SpareNodes spare;
    mm::FrameRef const mine = frame;   // the last reference must not go under the lock
    if (quota_ && !quota_->take()) return fail(ENOSPC);
    for (;;) {
        Entered const entered = try_insert(index, frame, spare, bound);
        if (entered == Entered::Yes) break;
        auto const refilled = entered == Entered::PastEnd ? Result<>(fail(ENXIO)) : spare.refill();
        if (refilled) continue;
        if (quota_) quota_->give(1);
        return fail(refilled.error());
    }
    if (quota_ && &frame.record() != &mine.record()) quota_->give(1);
    return frame;
}

/// For a fault: fills a hole, so that every mapping of the page shows the same frame.
Result<mm::FrameRef> FilePages::page(u64 index, mm::Access) {
    {
        Locked guard(lock_);
        if (is_past_end(index)) return fail(ENXIO);
        if (mm::Frame* const frame = probe(index)) [[likely]] return mm::FrameRef::share(*frame);
    }
    return insert(index, TRY(mm::frame_allocator.allocate(0, mm::Fill::Zero, mm::Urgency::User)), Bound::Size);
}

Result<size_t> FilePages::read(u64 position, mm::IoBuffer& buffer) {
    u64 const end = size();
    if (position >= end) return 0;
    u64 left = std::min(buffer.remaining(), end - position);
    size_t total = 0;
    while (left > 0) {
        size_t const offset = position & page_mask;
        size_t const chunk = std::min<u64>(page_size - offset, left);
        auto const frame = find(position >> page_shift);
        auto const copied = frame ? buffer.copy_out(static_cast<std::byte*>(frame.data()) + offset, chunk) : buffer.fill_zero(chunk);
        if (!copied) return total ? Result<size_t>(total) : fail(copied.error());
        total += *copied;
        position += *copied;
        left -= *copied;
        if (*copied < chunk || sched::caller_is_dying()) break;
    }
    return total;
}

/// A page that does not exist yet is filled before anyone can see it.
Result<size_t> FilePages::write_new_page(u64 index, size_t offset, size_t size, mm::IoBuffer& buffer) {
    bool const whole = size == page_size;
    auto frame = mm::frame_allocator.allocate(0, whole ? mm::Fill::Dirty : mm::Fill::Zero, mm::Urgency::User);
    if (!frame) return fail(ENOSPC);
    auto* const data = static_cast<std::byte*>(frame->data());
    size_t const copied = TRY(buffer.copy_in(data + offset, size));
    if (whole) std::memset(data + copied, 0, page_size - copied);
    auto const entered = insert(index, *frame, Bound::None);
    if (!entered) return fail(ENOSPC);
    if (&entered->record() != &frame->record()) std::memcpy(static_cast<std::byte*>(entered->data()) + offset, data + offset, copied);
    return copied;
}

Result<size_t> FilePages::write(u64 position, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    size_t total = 0;
    while (u64 const left = buffer.remaining()) {
        size_t const offset = position & page_mask;
        size_t const chunk = std::min<u64>(page_size - offset, left);
        auto const frame = find(position >> page_shift);
        auto const copied = frame ? buffer.copy_in(static_cast<std::byte*>(frame.data()) + offset, chunk)
                                  : write_new_page(position >> page_shift, offset, chunk, buffer);
        if (!copied && total == 0) return fail(copied.error());
        if (!copied) break;
        total += *copied;
        position += *copied;
        if (*copied < chunk || sched::caller_is_dying()) break;
    }
    Locked guard(lock_);
    if (position > size()) size_.store(position, std::memory_order_relaxed);
    return total;
}

/// The bytes that a file loses are zero if it grows again. As on Linux's tmpfs, bytes that a mapping writes beyond the end are not.
void FilePages::clear_tail(u64 size) {
    size_t const offset = size & page_mask;
    if (offset == 0) return;
    if (auto const frame = find(size >> page_shift)) std::memset(static_cast<std::byte*>(frame.data()) + offset, 0, page_size - offset);
}

void FilePages::resize(u64 new_size) {
    u64 const old_size = size();
    {
        Locked guard(lock_);
        size_.store(new_size, std::memory_order_relaxed);
    }
    if (new_size < old_size) {
        u64 const first_gone = (new_size + page_mask) >> page_shift;
        bool const is_unmapped = unmap_from(first_gone);
        release_from(first_gone);
        if (!is_unmapped) unmap_from(first_gone);   // now there are the frames just released
    }
    if (new_size <= old_size) clear_tail(new_size);
}

/// Takes frames with an index of at least `first` (counted within this slot's range) out, and nodes that become empty.
void FilePages::extract(void*& slot, unsigned level, u64 first, Batch& out) {
    if (!slot || out.is_full()) return;
    if (level == 0) {
        out.frames[out.count++] = static_cast<mm::Frame*>(slot);
        slot = nullptr;
        return;
    }
    auto* const node = static_cast<Node*>(slot);
    unsigned const shift = (level - 1) * node_bits;
    size_t const start = first >> shift;
    for (size_t i = start; i < node_slots && !out.is_full(); ++i)
        extract(node->slots[i], level - 1, i == start ? first & ((u64{1} << shift) - 1) : 0, out);
    if (std::ranges::all_of(node->slots, [](void* s) { return s == nullptr; })) {
        delete node;
        slot = nullptr;
    }
}

void FilePages::release_from(u64 first) {
    for (;;) {
        Batch batch;
        {
            Locked guard(lock_);
            if (!root_ || !(reaches(height_, first))) return;
            extract(root_, height_, first, batch);
            frames_.store(frames() - batch.count, std::memory_order_relaxed);
        }
        if (quota_) quota_->give(batch.count);
        for (size_t i = 0; i < batch.count; ++i) mm::frame_release(*batch.frames[i]);
        if (!batch.is_full()) return;
    }
}

void FilePages::describe(base::Writer& out) const {
    Ref<Inode> owner;
    {
        Locked guard(owner_lock_);
        if (owner_ && owner_->try_acquire_ref()) owner = Ref<Inode>::adopt(owner_);
    }
    auto const name = owner ? Dentry::alias_of(*owner) : Ref<Dentry>();
    auto const buffer = mm::Buffer::allocate(path_max);
    if (!name || !buffer) return out.write("(deleted)");
    auto const path = name->path(*vfs.root(), {buffer->chars(), path_max}, true);
    out.write(path ? *path : std::string_view("(too long)"));
}

}
