// SPDX-License-Identifier: MIT
// Kernel stacks in slots of 32 KiB: 16 KiB of guard, never mapped, below 16 KiB of stack. The lowest free slot is
// used first, and a few freed stacks stay mapped for the next fork.
// A cached stack counts as free memory: its frames, and its leaf table if no stack in use shares it.
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

/// Unmaps what is mapped of several stacks and frees their slots. One flush on all CPUs covers them all, because the
/// flush is what costs. Returns how many leaf tables were freed.
u32 KernelSpace::unmap_stacks(std::span<u32 const> slots, Lock::Guard const&) {
    Frame* frames[unmapped_together * (frames_per_stack + 1)];   // with their leaf tables
    size_t count = 0;
    u64 const tables = table_.table_frames();
    u64 lowest = ~u64{0}, highest = 0;
    for (u32 slot : slots) {
        u64 const top = stack_top(slot), bottom = top - kernel_stack_size;
        table_.for_each_present(bottom, top, [&](u64, arch::PageEntry& entry) {
            frames[count++] = &frame_record(entry.address());
            table_.set(entry, arch::PageEntry());
        });
        table_.free_empty_tables(bottom, top, [&](PhysAddr table) { frames[count++] = &frame_record(table); });
        lowest = std::min(lowest, bottom);
        highest = std::max(highest, top);
    }
    u32 const tables_gone = static_cast<u32>(tables - table_.table_frames());
    arch::tlb_flush_kernel(lowest, highest, tables_gone != 0);
    while (count != 0) frame_release(*frames[--count]);
    for (u32 slot : slots) free_slots_.give(slot);
    return tables_gone;
}

void KernelSpace::begin_use(u32 slot, Lock::Guard const&) {
    ++stacks_in_use_;
    ++in_use_[slot / slots_per_table];
}

void KernelSpace::end_use(u32 slot, Lock::Guard const&) {
    --stacks_in_use_;
    if (--in_use_[slot / slots_per_table] == 0) ++idle_tables_;
}

/// Takes a slot whose stack is mapped. An idle table always belongs to some cached stack.
Result<u32> KernelSpace::take_slot(Lock::Guard const& guard) {
    if (cache_count_ != 0) {
        u32 const slot = cache_[--cache_count_];
        if (in_use_[slot / slots_per_table] == 0) --idle_tables_;
        return slot;
    }
    u32 const slot = free_slots_.take();
    if (slot == free_slots_.none) return fail(ENOMEM);
    if (auto mapped = map_stack(slot, guard); !mapped) {
        unmap_stacks({&slot, 1}, guard);
        return fail(mapped.error());
    }
    return slot;
}

Result<KernelStack> KernelSpace::allocate_stack() {
    Locked const guard(lock_);
    u32 const slot = TRY(take_slot(guard));
    begin_use(slot, guard);
    KernelStack stack;
    stack.top_ = stack_top(slot);
    return stack;
}

void KernelSpace::free_stack(u64 top) {
    Locked const guard(lock_);
    u32 const slot = static_cast<u32>((top - stacks_base) / stack_slot_size - 1);
    ASSERT(slot < stack_slots && stack_top(slot) == top && !free_slots_.is_free(slot));
    end_use(slot, guard);
    if (cache_count_ == cached_stacks) {
        cache_count_ -= unmapped_together;
        idle_tables_ -= unmap_stacks({cache_ + cache_count_, unmapped_together}, guard);
    }
    cache_[cache_count_++] = slot;
}

bool KernelSpace::is_stack_guard(u64 address) const {
    u64 const offset = address - stacks_base;
    return offset < stack_slots * stack_slot_size && offset % stack_slot_size < stack_slot_size - kernel_stack_size;
}

u64 KernelSpace::cached_frames() const {
    Locked const guard(lock_);
    return cache_count_ * frames_per_stack + idle_tables_;
}

u64 KernelSpace::stack_frames() const {
    Locked const guard(lock_);
    return stacks_in_use_ * frames_per_stack;
}

}
