// SPDX-License-Identifier: MIT
// Splitting and joining, as in Knuth, The Art of Computer Programming, vol. 1, 2.5. The lists are last in, first out:
// the block freed last is the most likely to be still in the CPU's cache.
#include "mm/buddy.h"

#include <algorithm>
#include <bit>

#include <base/panic.h>

namespace mm {

void Buddy::push(Frame& block, unsigned order) {
    Frame* const head = heads_[order];
    block.state = Frame::State::Free;
    block.order = static_cast<u8>(order);
    block.free = {head, nullptr};
    if (head) head->free.previous = &block;
    heads_[order] = &block;
    non_empty_ |= 1u << order;
}

void Buddy::unlink(Frame& block, unsigned order) {
    auto const [next, previous] = block.free;
    if (next) next->free.previous = previous;
    if (previous) {
        previous->free.next = next;
    } else {
        heads_[order] = next;
        if (!next) non_empty_ &= ~(1u << order);
    }
    block.state = Frame::State::Used;
}

Frame* Buddy::allocate(unsigned order) {
    u32 const large_enough = non_empty_ >> order;
    if (large_enough == 0) return nullptr;
    unsigned from = order + static_cast<unsigned>(std::countr_zero(large_enough));
    Frame& block = *heads_[from];
    unlink(block, from);
    while (from > order) {
        --from;
        push(*(&block + (u64{1} << from)), from);
    }
    block.order = static_cast<u8>(order);
    count(-(i64{1} << order));
    return &block;
}

void Buddy::release(Frame& block, unsigned order) {
    count(i64{1} << order);
    u64 index = index_of(block);
    block.state = Frame::State::Used;   // unless it becomes the head of a block again
    for (; order < max_order; ++order) {
        Frame& buddy = records_[index ^ (u64{1} << order)];
        if (buddy.state != Frame::State::Free || buddy.order != order) break;
        unlink(buddy, order);
        index &= ~(u64{1} << order);
    }
    push(records_[index], order);
}

void Buddy::add(u64 first, u64 end) {
    while (first < end) {
        unsigned const aligned = first == 0 ? max_order : static_cast<unsigned>(std::countr_zero(first));
        unsigned const fitting = static_cast<unsigned>(std::bit_width(end - first)) - 1;
        unsigned const order = std::min({aligned, fitting, max_order});
        DEBUG_ASSERT(records_[first].state == Frame::State::Reserved);
        release(records_[first], order);
        first += u64{1} << order;
    }
}

u64 Buddy::free_blocks(unsigned order) const {
    u64 blocks = 0;
    for (Frame const* block = heads_[order]; block; block = block->free.next) ++blocks;
    return blocks;
}

}
