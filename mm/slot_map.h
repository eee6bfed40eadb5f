// SPDX-License-Identifier: MIT
// Which of `capacity` slots are free, as bits in three levels of words: the lowest free slot is found in three steps.
// No lock: the owner of the map holds its own.
#pragma once

#include <bit>

#include <base/types.h>

namespace mm {

template <u32 capacity>
class SlotMap {
public:
    constexpr SlotMap() {
        for (u32 slot = 0; slot < capacity; ++slot) give(slot);
    }
    static constexpr u32 none = ~u32{0};

    /// Takes the lowest free slot; `none` if all are taken.
    u32 take() {
        if (top_ == 0) return none;
        u32 const middle = static_cast<u32>(std::countr_zero(top_));
        u32 const leaf = middle * 64 + static_cast<u32>(std::countr_zero(middle_[middle]));
        u32 const slot = leaf * 64 + static_cast<u32>(std::countr_zero(leaves_[leaf]));
        leaves_[leaf] &= leaves_[leaf] - 1;
        if (leaves_[leaf] == 0) middle_[middle] &= middle_[middle] - 1;
        if (middle_[middle] == 0) top_ &= top_ - 1;
        return slot;
    }
    constexpr void give(u32 slot) {
        leaves_[slot / 64] |= u64{1} << slot % 64;
        middle_[slot / 4096] |= u64{1} << slot / 64 % 64;
        top_ |= u64{1} << slot / 4096;
    }
    bool is_free(u32 slot) const { return leaves_[slot / 64] >> slot % 64 & 1; }

private:
    static_assert(capacity <= 64 * 64 * 64);
    u64 top_ = 0;                              ///< bit n: middle_[n] is not 0
    u64 middle_[(capacity + 4095) / 4096] = {};
    u64 leaves_[(capacity + 63) / 64] = {};    ///< bit n % 64 of word n / 64: slot n is free
};

}
