// SPDX-License-Identifier: MIT
// 256 events per CPU, written without a lock by their own CPU. An interrupt between taking
// a slot and filling it takes the next one, so at worst a reader sees one half-written row.
#include "kernel/trace/trace.h"

#include <algorithm>

#include <arch/cpu.h>
#include <arch/per_cpu.h>
#include <arch/time.h>

namespace trace {

namespace {

constexpr size_t capacity = 256;

struct Row {
    u64 tsc;
    Event event;
    u64 first, second;
};

struct Ring {
    Row rows[capacity] = {};
};

PER_CPU arch::PerCpu<u64> recorded;        // events ever recorded on this CPU
constinit Ring boot_ring;
PER_CPU arch::PerCpu<Ring*> ring{&boot_ring};

constexpr char const* names[] = {"none",       "switch",   "wake",      "fork",      "exec",        "exit",
                                 "page fault", "cow copy", "cow reuse", "interrupt", "system call", "signal"};

}

void record(Event event, u64 first, u64 second) {
    u64 const slot = recorded.read();
    recorded.write(slot + 1);
    ring.read()->rows[slot % capacity] = {arch::read_tsc(), event, first, second};
}

size_t last_records(std::span<Record> out) {
    u64 const end = recorded.read();
    size_t const count = static_cast<size_t>(std::min<u64>({end, out.size(), capacity}));
    for (size_t i = 0; i < count; ++i) {
        Row const& row = ring.read()->rows[(end - count + i) % capacity];
        out[i] = {arch::tsc_to_clock_ns(row.tsc), row.event, row.first, row.second};
    }
    return count;
}

char const* name_of(Event event) {
    auto const index = static_cast<size_t>(event);
    return index < std::size(names) ? names[index] : "unknown";
}

}
