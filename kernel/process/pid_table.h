// SPDX-License-Identifier: MIT
// Numbers of processes, threads, groups and sessions: one number space, as in Linux.
// A number is free again when no entry of any kind has it and no base::HeldPid holds it. tree_lock guards the table.
// The hash table never grows, so that it uses the same memory before and after a storm of forks.
#pragma once

#include <array>
#include <optional>

#include <base/types.h>

#include "kernel/base/held_pid.h"

namespace process {

enum class PidKind : u8 { Process, Thread, Group, Session };

/// An object with a number; the base of the four kinds.
struct PidEntry {
    explicit constexpr PidEntry(PidKind kind) : entry_kind(kind) {}
    PidEntry* next_in_bucket = nullptr;
    Pid entry_id;
    PidKind entry_kind;
};

class PidTable {
public:
    static constexpr i32 pid_max = base::pid_max;
    static constexpr i32 least_limit = 301;          ///< the minimum of set_limit(), as in Linux
    static constexpr i32 first_reused = 300;         ///< lower numbers are given once, at boot, as in Linux

    constexpr PidTable() = default;
    /// Gives `entry` the next free number and makes it findable; false: all numbers are in use.
    bool add_with_new_number(PidEntry& entry);
    /// Makes `entry` findable under a number that another entry has already (groups, sessions).
    void add(PidEntry& entry, Pid id);
    void remove(PidEntry& entry);
    PidEntry* find(Pid id, PidKind kind) const;
    /// The next process after `previous`, in order of numbers, or null.
    PidEntry* next_process(Pid previous) const { return next_of(previous, pid_max, PidKind::Process); }
    /// The entry of `kind` (or of `other`) with the next number after `previous` and below `end`, or null.
    PidEntry* next_of(Pid previous, i32 end, PidKind kind) const { return next_of(previous, end, kind, kind); }
    PidEntry* next_of(Pid previous, i32 end, PidKind kind, PidKind other) const;
    Pid last_given() const { return Pid(last_); }
    /// /proc/sys/kernel/pid_max: the numbers given from now on are below it.
    i32 limit() const { return limit_; }
    void set_limit(i32 limit) { limit_ = limit; }
    /// The next number given is the first free one above `last`. False: `last` is not a valid number.
    bool set_last_given(Pid last);
    /// Whether an entry has the number, or a HeldPid holds it.
    bool is_known(Pid id) const { return id.value > 0 && id.value < pid_max && (is_used(id.value) || base::is_held(id)); }

private:
    static constexpr size_t bucket_count = 4096;
    static constexpr size_t word_count = pid_max / 64;

    static size_t bucket_of(Pid id) { return static_cast<u32>(id.value) % bucket_count; }
    u64& word_of(i32 number) { return used_[static_cast<u32>(number) / 64]; }
    u64 word_of(i32 number) const { return used_[static_cast<u32>(number) / 64]; }
    static constexpr u64 bit_of(i32 number) { return u64{1} << (number % 64); }
    bool is_used(i32 number) const { return word_of(number) & bit_of(number); }
    bool bears_anything(Pid id) const;
    std::optional<i32> next_free(i32 from, i32 end) const;

    std::array<PidEntry*, bucket_count> buckets_{};
    std::array<u64, word_count> used_{1};            ///< 0 is never given
    i32 last_ = 0, limit_ = pid_max;
};

}
