// SPDX-License-Identifier: MIT
// The table of numbers. Allocation takes the next free number after the last one given, so that a number is not reused soon.
// It skips 64 used numbers a step: at most 512 steps, plus one for each number that is held.
#include "kernel/process/pid_table.h"

#include <algorithm>
#include <bit>

#include <base/panic.h>

namespace process {

std::optional<i32> PidTable::next_free(i32 from, i32 end) const {
    while (from < end) {
        u64 const free = ~word_of(from) >> (from % 64);
        if (free == 0) {
            from = (from / 64 + 1) * 64;
            continue;
        }
        i32 const found = from + std::countr_zero(free);
        if (found >= end) break;
        if (!base::is_held(Pid(found))) [[likely]] return found;
        from = found + 1;
    }
    return std::nullopt;
}

bool PidTable::add_with_new_number(PidEntry& entry) {
    auto number = next_free(last_ + 1, limit_);
    if (!number) number = next_free(first_reused, std::min(last_ + 1, limit_));
    if (!number) return false;
    last_ = *number;
    word_of(*number) |= bit_of(*number);
    add(entry, Pid(*number));
    return true;
}

bool PidTable::set_last_given(Pid last) {
    if (last.value < 0 || last.value >= pid_max) return false;
    last_ = last.value;
    return true;
}

void PidTable::add(PidEntry& entry, Pid id) {
    DEBUG_ASSERT(is_used(id.value) && !find(id, entry.entry_kind));
    entry.entry_id = id;
    PidEntry*& bucket = buckets_[bucket_of(id)];
    entry.next_in_bucket = bucket;
    bucket = &entry;
}

bool PidTable::bears_anything(Pid id) const {
    for (PidEntry const* entry = buckets_[bucket_of(id)]; entry; entry = entry->next_in_bucket)
        if (entry->entry_id == id) return true;
    return false;
}

void PidTable::remove(PidEntry& entry) {
    Pid const id = entry.entry_id;
    PidEntry** link = &buckets_[bucket_of(id)];
    while (*link != &entry) {
        ASSERT(*link != nullptr);
        link = &(*link)->next_in_bucket;
    }
    *link = entry.next_in_bucket;
    entry.next_in_bucket = nullptr;
    // 0 belongs to the kernel and stays used.
    if (id.value != 0 && !bears_anything(id)) word_of(id.value) &= ~bit_of(id.value);
}

PidEntry* PidTable::find(Pid id, PidKind kind) const {
    if (id.value < 0) return nullptr;
    for (PidEntry* entry = buckets_[bucket_of(id)]; entry; entry = entry->next_in_bucket)
        if (entry->entry_id == id && entry->entry_kind == kind) return entry;
    return nullptr;
}

PidEntry* PidTable::next_of(Pid previous, i32 end, PidKind kind, PidKind other) const {
    for (i32 number = previous.value + 1; number < end; ++number) {
        if (number % 64 == 0 && word_of(number) == 0) {
            number += 63;
            continue;
        }
        if (!is_used(number)) continue;
        if (PidEntry* entry = find(Pid(number), kind)) return entry;
        if (other == kind) continue;
        if (PidEntry* entry = find(Pid(number), other)) return entry;
    }
    return nullptr;
}

}
