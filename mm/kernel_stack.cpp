// SPDX-License-Identifier: MIT
// Kernel stacks in slots of 32 KiB: 16 KiB that are never mapped below 16 KiB of stack. The
// lowest free slot is used, and a few freed stacks stay mapped for the next fork.
// What a cached stack holds counts as free: its frames, and its leaf table if no stack in use
// shares it.
#include <arch/tlb.h>
#include <base/panic.h>

#include "mm/kernel_space.h"

namespace mm {

KernelStack::~KernelStack() {
    if (top_ != 0) kernel_space.free_stack(top_);
}

Result<> KernelSpace::map_stack(u32 slot, Lock::Guard const&) {
    for (u64 address = stack_top(slot) - kernel_stack_size; address < stack_top(slot); address += page_size) {
        FrameRef frame = TRY(frame_allocator.allocate(0, Fill::Dirty, Urgency::NewProcess));
        auto* const entry = TRY(table_.find_or_create(address));
        table_.set(*entry, arch::PageEntry::leaf(frame.address(), {.writable = true, .global = true}));
        static_cast<void>(frame.leak());
    }
    return {};
}

/// Unmaps what is mapped of a stack. True: its leaf table went with it.
bool KernelSpace::unmap_stack(u32 slot, Lock::Guard const&) {
    u64 const top = stack_top(slot), bottom = top - kernel_stack_size;
    Frame* frames[frames_per_stack + 1];   // and the leaf table
    size_t count = 0;
    table_.for_each_present(bottom, top, [&](u64, arch::PageEntry& entry) {
        frames[count++] = &frame_record(entry.address());
        table_.set(entry, arch::PageEntry());
    });
    u64 const tables = table_.table_frames();
    table_.free_empty_tables(bottom, top, [&](PhysAddr table) { frames[count++] = &frame_record(table); });
    arch::tlb_flush_kernel(bottom, top, table_.table_frames() != tables);
    while (count != 0) frame_release(*frames[--count]);
    return table_.table_frames() != tables;
}

void KernelSpace::begin_use(u32 slot, Lock::Guard const&) {
    ++stacks_in_use_;
    ++in_use_[slot / slots_per_table];
}

void KernelSpace::end_use(u32 slot, Lock::Guard const&) {
    --stacks_in_use_;
    if (--in_use_[slot / slots_per_table] == 0) ++idle_tables_;
}

/// A slot whose stack is mapped. An idle table is always that of some cached stack.
Result<u32> KernelSpace::take_slot(Lock::Guard const& guard) {
    if (cache_count_ != 0) {
        u32 const slot = cache_[--cache_count_];
        if (in_use_[slot / slots_per_table] == 0) --idle_tables_;
        return slot;
    }
    u32 const slot = free_slots_.take();
    if (slot == free_slots_.none) return fail(ENOMEM);
    if (auto mapped = map_stack(slot, guard); !mapped) {
        unmap_stack(slot, guard);
        free_slots_.give(slot);
        return fail(mapped.error());
    }
    return slot;
}

Result<KernelStack> KernelSpace::allocate_stack() {
    Lock::Guard const guard(lock_);
    u32 const slot = TRY(take_slot(guard));
    begin_use(slot, guard);
    KernelStack stack;
    stack.top_ = stack_top(slot);
    return stack;
}

void KernelSpace::free_stack(u64 top) {
    Lock::Guard const guard(lock_);
    u32 const slot = static_cast<u32>((top - stacks_base) / stack_slot_size - 1);
    ASSERT(slot < stack_slots && stack_top(slot) == top && !free_slots_.is_free(slot));
    end_use(slot, guard);
    if (cache_count_ < cached_stacks) {
        cache_[cache_count_++] = slot;
        return;
    }
    if (unmap_stack(slot, guard)) --idle_tables_;
    free_slots_.give(slot);
}

bool KernelSpace::is_stack_guard(u64 address) const {
    u64 const offset = address - stacks_base;
    return offset < stack_slots * stack_slot_size && offset % stack_slot_size < stack_slot_size - kernel_stack_size;
}

u64 KernelSpace::cached_frames() const {
    Lock::Guard const guard(lock_);
    return cache_count_ * frames_per_stack + idle_tables_;
}

u64 KernelSpace::stack_frames() const {
    Lock::Guard const guard(lock_);
    return stacks_in_use_ * frames_per_stack;
}

}
