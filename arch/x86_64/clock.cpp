// SPDX-License-Identifier: MIT
// clock_ns(): nanoseconds since boot from the best counter available: the TSC if it is invariant or a hypervisor
// maintains it, else HPET, ACPI PM timer, PIT periods. Counters that wrap are widened without a lock. Calibration
// takes 2 to 5 ms.
#include <arch/time.h>

#include <algorithm>
#include <atomic>
#include <cpuid.h>
#include <optional>

#include <arch/cpu.h>
#include <arch/io.h>
#include <base/log.h>

#include "arch/x86_64/alarm.h"
#include "arch/x86_64/counters.h"
#include "arch/x86_64/interrupt_controller.h"

namespace arch {

namespace {

enum class ClockKind : u8 { None, Tsc, Counter, Pit };

constexpr u64 fine_counter_hz = 10'000'000;             // 2 ms of such a counter are as precise as 5 ms of a coarser one
constexpr u64 default_tsc_hz = 1'000'000'000;
constexpr u16 pit_divisor = 1193;                       // 1 kHz, as nearly as possible
constexpr u64 pit_period_ns = ns_per_s * pit_divisor / pit_hz;

/// Both rates; 0: unknown.
struct Rates {
    u64 tsc_hz = 0, local_apic_hz = 0;
};

// Everything but the kind is written before it is used: at boot, before the second CPU or the first alarm, or by
// abandon_tsc().
/// Ordering: release once everything that the kind needs is set, acquire by readers of the clock.
constinit std::atomic<ClockKind> clock_kind{ClockKind::None};
constinit Counter reserve;                              // the best counter besides the TSC
constinit u64 tsc_start = 0;
constinit u64 tsc_rate = 0;
constinit u64 ns_per_tsc = 0, tsc_per_ns = 0;           // 32.32 fixed point
constinit u64 ns_per_count = 0;                         // 32.32
constinit Counter counter;
constinit std::atomic<u64> counter_total{0};            // its low bits are the counter's last value
constinit u64 counter_start = 0, counter_offset_ns = 0;
constinit std::atomic<u64> pit_periods{0};

u64 multiply(u64 value, u64 factor_32_32) { return static_cast<u64>(static_cast<unsigned __int128>(value) * factor_32_32 >> 32); }

/// value << 32 / divisor for value < 2^32.
u64 ratio(u64 value, u64 divisor) { return (value << 32) / divisor; }

/// One reading of all counters at (nearly) the same moment.
struct Sample {
    u64 tsc = 0, count = 0;
    u32 local_apic = 0;
    u64 uncertainty = ~u64{0};
};

/// The tightest of several readings: an interrupt of the host or an SMI spoils only some of them.
Sample take_sample(Counter const& reference) {
    Sample best;
    for (int i = 0; i < 5; ++i) {
        u64 const before = read_tsc();
        u64 const count = reference.read();
        u32 const local_apic = uses_apic() ? local_apic_timer_count() : 0;
        u64 const after = read_tsc();
        if (after - before < best.uncertainty) best = {before + (after - before) / 2, count, local_apic, after - before};
    }
    return best;
}

/// Compares the TSC and the local APIC timer with `reference` over a few milliseconds.
std::optional<Rates> measure(Counter const& reference) {
    u64 const wanted = reference.hz * (reference.hz >= fine_counter_hz ? 2 : 5) / 1000;
    if (uses_apic()) {
        local_apic_set_timer_mode(LocalApicTimer::OneShot, true);
        local_apic_start_timer(~u32{0});
    }
    Sample const first = take_sample(reference);
    int patience = 50'000'000;
    while (((reference.read() - first.count) & reference.mask) < wanted)
        if (--patience == 0) return std::nullopt;
    Sample const last = take_sample(reference);
    if (uses_apic()) local_apic_start_timer(0);
    u64 const counts = (last.count - first.count) & reference.mask;
    return Rates{(last.tsc - first.tsc) * reference.hz / counts, u64{first.local_apic - last.local_apic} * reference.hz / counts};
}

/// The rates that the CPU or the hypervisor reports (Intel SDM vol. 3, 19.7.3; VMware's and KVM's leaf 0x40000010).
Rates rates_from_cpuid() {
    u32 a, b, c, d;
    if (__get_cpuid_max(0, nullptr) >= 0x15) {
        __cpuid(0x15, a, b, c, d);
        if (a && b && c) return {u64{c} * b / a, c};
    }
    if (cpu_features.hypervisor) {
        __cpuid(0x40000000, a, b, c, d);
        bool const kvm = b == 0x4b4d564b, vmware = b == 0x61774d56;
        if (a >= 0x40000010 && (kvm || vmware)) {
            __cpuid(0x40000010, a, b, c, d);
            if (a) return {u64{a} * 1000, u64{b} * 1000};
        }
    }
    return {};
}

/// The CPU's base frequency (leaf 0x16), which is nearly the TSC's rate on CPUs that have this leaf; 0: not reported.
u64 nominal_hz() {
    u32 a, b, c, d;
    if (__get_cpuid_max(0, nullptr) < 0x16) return 0;
    __cpuid(0x16, a, b, c, d);
    return u64{a & 0xffff} * 1'000'000;
}

/// The reported, exact rate, unless the measurement proves it wrong (Bochs reports the real model's).
u64 agreed(u64 said, u64 measured) {
    u64 const difference = said > measured ? said - measured : measured - said;
    return said != 0 && difference < measured / 100 ? said : measured;
}

/// `offered`: the counters found, best first.
Rates find_rates(Counter const (&offered)[3]) {
    Rates const said = rates_from_cpuid();
    for (Counter const& reference : offered) {
        if (!reference) continue;
        if (auto const rates = measure(reference)) {
            log_info("clock", "TSC {} kHz, local APIC timer {} kHz, measured against the {}", rates->tsc_hz / 1000,
                     rates->local_apic_hz / 1000, reference.name);
            return {agreed(said.tsc_hz, rates->tsc_hz), agreed(said.local_apic_hz, rates->local_apic_hz)};
        }
    }
    if (said.tsc_hz) return said;
    if (u64 const nominal = nominal_hz()) {
        log_warning("clock", "nothing to measure the TSC against: {} MHz, as the CPU's base frequency", nominal / 1'000'000);
        return {nominal, 0};
    }
    log_warning("clock", "nothing to measure the TSC against: {} MHz assumed", default_tsc_hz / 1'000'000);
    return {default_tsc_hz, 0};
}

/// Ordering: relaxed; the value is its own message. A reading that another CPU has overtaken (more than half the
/// range behind) yields the other CPU's value.
u64 read_counter_wide() {
    u64 total = counter_total.load(std::memory_order_relaxed);
    for (;;) {
        u64 const advance = (counter.read() - total) & counter.mask;
        if (advance > counter.mask / 2) return total;
        if (counter_total.compare_exchange_weak(total, total + advance, std::memory_order_relaxed)) return total + advance;
    }
}

/// The counter continues from the time that the TSC shows.
void use_counter(Counter const& best) {
    counter = best;
    ns_per_count = ratio(ns_per_s, counter.hz);
    counter_offset_ns = multiply(read_tsc() - tsc_start, ns_per_tsc);
    counter_start = counter.read();
    counter_total.store(counter_start, std::memory_order_relaxed);
    clock_kind.store(ClockKind::Counter, std::memory_order_release);
}

void choose_clock(Counter const& best) {
    bool const tsc_is_good = cpu_features.invariant_tsc || cpu_features.hypervisor;
    reserve = best;
    if (tsc_is_good || (!best && uses_apic())) {
        clock_kind.store(ClockKind::Tsc, std::memory_order_release);
    } else if (best) {
        use_counter(best);
    } else {
        clock_kind.store(ClockKind::Pit, std::memory_order_release);
        pit_start_periodic(pit_divisor);
    }
}

}

void start_counting_time() { tsc_start = read_tsc(); }

u64 initialize_clock() {
    Counter const offered[3] = {hpet_counter(), acpi_timer_counter(), pit_counter()};
    Rates const rates = find_rates(offered);
    tsc_rate = rates.tsc_hz;
    ns_per_tsc = ratio(ns_per_s, tsc_rate);
    tsc_per_ns = (tsc_rate / ns_per_s << 32) + ratio(tsc_rate % ns_per_s, ns_per_s);
    choose_clock(offered[0] ? offered[0] : offered[1]);
    log_info("clock", "{}, TSC at {}.{:03} MHz{}", clock_source_name(), tsc_rate / 1'000'000, tsc_rate / 1000 % 1000,
             cpu_features.invariant_tsc ? " (invariant)" : "");
    return rates.local_apic_hz;
}

bool clock_is_tsc() { return clock_kind.load(std::memory_order_relaxed) == ClockKind::Tsc; }

bool abandon_tsc() {
    if (!reserve) return false;
    use_counter(reserve);
    alarm_follows_clock();
    return true;
}

u64 clock_ns() {
    ClockKind const kind = clock_kind.load(std::memory_order_acquire);
    if (kind == ClockKind::Tsc) [[likely]] return multiply(read_tsc() - tsc_start, ns_per_tsc);
    if (kind == ClockKind::Counter) return counter_offset_ns + multiply(read_counter_wide() - counter_start, ns_per_count);
    if (kind == ClockKind::Pit) return pit_periods.load(std::memory_order_relaxed) * pit_period_ns;
    return 0;
}

char const* clock_source_name() {
    switch (clock_kind.load(std::memory_order_relaxed)) {
    case ClockKind::Tsc: return "tsc";
    case ClockKind::Counter: return counter.name;
    case ClockKind::Pit: return "PIT";
    case ClockKind::None: break;
    }
    return "none";
}

u64 tsc_hz() { return tsc_rate; }
u64 tsc_to_clock_ns(u64 tsc) { return multiply(tsc - tsc_start, ns_per_tsc); }
u64 ns_to_tsc(u64 ns) { return multiply(ns, tsc_per_ns); }
void count_pit_tick() { pit_periods.fetch_add(1, std::memory_order_relaxed); }

u64 clock_must_be_read_within() {
    ClockKind const kind = clock_kind.load(std::memory_order_acquire);
    if (kind == ClockKind::Pit) return 0;
    return kind == ClockKind::Counter && counter.mask != ~u64{0} ? ns_per_s : ~u64{0};
}

void delay_us(u64 microseconds) {
    if (tsc_rate == 0) {
        for (u64 i = 0; i < microseconds; ++i) in8(0x80);   // about a microsecond each on ISA
        return;
    }
    u64 const start = read_tsc(), length = multiply(microseconds * ns_per_us, tsc_per_ns);
    while (read_tsc() - start < length) relax();
}

}
