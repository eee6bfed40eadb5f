// SPDX-License-Identifier: MIT
// The longest times with interrupts off and with preemption off (debug builds).
// Invariant: each CPU's state has one writer at a time. A time with interrupts off begins and ends on one CPU with
// interrupts off; one with preemption off is changed only by code at depth 1, which is never an interrupt. A thread
// switch does not end either.
#include <base/latency.h>

#include <arch/cpu.h>
#include <arch/image.h>
#include <arch/per_cpu.h>
#include <arch/time.h>
#include <base/format.h>

#include "kernel/base/symbols.h"

namespace base {

namespace {

constexpr size_t depth = 6;   ///< how many calls are shown of a time's end

/// One kind of time on one CPU. Readers on other CPUs may see a change half made; people read it, so that is
/// acceptable.
struct Longest {
    u64 since = 0;                  ///< TSC; 0: no time is in progress
    u64 begin = 0;                  ///< where it began
    u64 longest = 0;                ///< TSC ticks
    u64 longest_begin = 0;
    u64 longest_end[depth] = {};

    void start(u64 where) { begin = where, since = arch::read_tsc(); }
    void end(u64 const* frame) {
        u64 const ticks = arch::read_tsc() - since;
        since = 0;
        if (ticks <= longest) [[likely]] return;
        longest = ticks;
        longest_begin = begin;
        remember_calls(frame);
    }

private:
    /// Follows the saved frame pointers within the stack; `frame` is the measuring function's own.
    void remember_calls(u64 const* frame) {
        constexpr u64 largest_stack = 16 * kib;
        u64 const start = reinterpret_cast<u64>(frame);
        for (u64& place : longest_end) place = 0;
        for (u64& place : longest_end) {
            if (!arch::is_kernel_text(frame[1])) return;
            place = frame[1];
            u64 const next = frame[0];
            if (next <= reinterpret_cast<u64>(frame) || next - start >= largest_stack || !is_aligned(next, 8)) return;
            frame = reinterpret_cast<u64 const*>(next);
        }
    }
};

struct Times { Longest interrupts, preemption; };
PER_CPU arch::PerCpu<Times> times;

u64 caller(void* return_address) { return reinterpret_cast<u64>(return_address); }
u64 const* own_frame(void* frame_address) { return static_cast<u64 const*>(frame_address); }

u64 to_ns(u64 ticks) {
    u64 const ticks_a_us = arch::tsc_hz() / 1'000'000;
    return ticks_a_us == 0 ? ticks : ticks * ns_per_us / ticks_a_us;
}

void write_place(Writer& out, u64 address) {
    Symbol const symbol = find_symbol(address - 1);
    if (symbol.name.empty()) format_to(out, " {:#x}", address);
    else format_to(out, " {}+{:#x}", symbol.name, symbol.offset + 1);
}

void write_times(Writer& out, u32 cpu, char const* kind, Longest const& longest) {
    format_to(out, "cpu{} {} {} ns\n  from", cpu, kind, to_ns(longest.longest));
    write_place(out, longest.longest_begin);
    out.write("\n  to  ");
    for (u64 place : longest.longest_end)
        if (place != 0) write_place(out, place);
    out.write("\n");
}

}

[[gnu::noinline]] void measure_interrupts_off() {
    Longest& it = times.local().interrupts;
    if (it.since == 0) it.start(caller(__builtin_return_address(0)));
}

[[gnu::noinline]] void measure_interrupts_on() {
    Longest& it = times.local().interrupts;
    if (it.since != 0) it.end(own_frame(__builtin_frame_address(0)));
}

[[gnu::noinline]] void measure_interrupt_entry() { times.local().interrupts.start(caller(__builtin_return_address(0))); }

[[gnu::noinline]] void measure_preemption_off() { times.local().preemption.start(caller(__builtin_return_address(0))); }

[[gnu::noinline]] void measure_preemption_on() {
    Longest& it = times.local().preemption;
    if (it.since != 0) it.end(own_frame(__builtin_frame_address(0)));
}

void write_latency(Writer& out) {
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        Times const& its = times.on(CpuId(cpu));
        write_times(out, cpu, "interrupts-off", its.interrupts);
        write_times(out, cpu, "preemption-off", its.preemption);
    }
}

void forget_latency() {
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) times.on(CpuId(cpu)).interrupts.longest = times.on(CpuId(cpu)).preemption.longest = 0;
}

}
