// SPDX-License-Identifier: MIT
// The one-shot alarm of each CPU: TSC deadline, local APIC timer, or the PIT if there is no APIC. Hardware that
// cannot wait long enough rings early and is set again. Invariant: all functions run with interrupts off and touch
// only their own CPU.
#include "arch/x86_64/alarm.h"

#include <algorithm>
#include <atomic>
#include <cpuid.h>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/time.h>
#include <arch/upcalls.h>
#include <base/log.h>

#include "arch/x86_64/counters.h"
#include "arch/x86_64/errata.h"
#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/segments.h"

namespace arch {

namespace {

enum class AlarmKind : u8 { None, TscDeadline, LocalApic, PitOnce, PitPeriodic };

constexpr u32 MSR_TSC_DEADLINE = 0x6e0;
constexpr u64 never = ~u64{0};
constexpr u64 longest_wait_ns = 4 * ns_per_s;

constinit AlarmKind kind = AlarmKind::None;      // written once at boot
constinit u64 local_apic_per_ns = 0;             // 32.32 fixed point
constinit std::atomic<u64> longest_ns{longest_wait_ns};   // Ordering: relaxed; the next alarm follows it
PER_CPU PerCpu<u64> deadline{never};

u64 multiply(u64 value, u64 factor_32_32) { return static_cast<u64>(static_cast<unsigned __int128>(value) * factor_32_32 >> 32); }

/// Rounds up: an alarm that rings too early must be set twice.
void start(u64 wait_ns) {
    switch (kind) {
    case AlarmKind::TscDeadline: write_msr(MSR_TSC_DEADLINE, read_tsc() + ns_to_tsc(wait_ns) + 1); break;
    case AlarmKind::LocalApic:
        local_apic_start_timer(static_cast<u32>(std::min<u64>(multiply(wait_ns, local_apic_per_ns) + 1, ~u32{0})));
        break;
    case AlarmKind::PitOnce:
        pit_start_once(static_cast<u16>(std::clamp<u64>(multiply(wait_ns, (pit_hz << 32) / ns_per_s) + 1, 2, 65535)));
        break;
    case AlarmKind::PitPeriodic:
    case AlarmKind::None: break;
    }
}

void stop() {
    switch (kind) {
    case AlarmKind::TscDeadline: write_msr(MSR_TSC_DEADLINE, 0); break;
    case AlarmKind::LocalApic: local_apic_start_timer(0); break;
    case AlarmKind::PitOnce: pit_stop(); break;
    case AlarmKind::PitPeriodic:
    case AlarmKind::None: break;
    }
}

/// Decided by the microcode's revision (Intel SDM vol. 3, 10.11.7.1); a hypervisor's timer is its own.
bool deadline_is_broken() {
    auto const& f = cpu_features;
    constexpr u32 MSR_MICROCODE = 0x8b;
    if (f.hypervisor || f.vendor[0] != 'G' || !deadline_timer_is_broken(f.family, f.model, f.stepping, 0)) return false;
    write_msr(MSR_MICROCODE, 0);
    u32 a, b, c, d;
    __cpuid(1, a, b, c, d);
    bool const broken = deadline_timer_is_broken(f.family, f.model, f.stepping, static_cast<u32>(read_msr(MSR_MICROCODE) >> 32));
    if (broken) log_warning("clock", "the TSC deadline timer of this CPU is not reliable with its microcode: the local APIC timer is taken");
    return broken;
}

/// A clock that wraps gets an alarm of its own, so that it is read often enough.
void start_for(u64 until_ns) {
    if (until_ns == never && clock_must_be_read_within() == never) return stop();
    u64 const now = clock_ns();
    start(until_ns > now ? std::min(until_ns - now, longest_ns.load(std::memory_order_relaxed)) : 0);
}

}

void initialize_alarm(u64 local_apic_hz) {
    if (uses_apic() && cpu_features.tsc_deadline && !(local_apic_hz != 0 && deadline_is_broken())) {
        kind = AlarmKind::TscDeadline;
        local_apic_set_timer_mode(LocalApicTimer::TscDeadline, false);
    } else if (uses_apic() && local_apic_hz != 0) {
        kind = AlarmKind::LocalApic;
        local_apic_per_ns = (local_apic_hz << 32) / ns_per_s;
        local_apic_set_timer_mode(LocalApicTimer::OneShot, false);
    } else if (!uses_apic()) {
        kind = clock_must_be_read_within() == 0 ? AlarmKind::PitPeriodic : AlarmKind::PitOnce;
        unmask_pit_line();
    }
    alarm_follows_clock();
    if (kind == AlarmKind::None) log_error("clock", "no timer interrupt: threads are not preempted");
    else log_info("clock", "alarm: {}", alarm_name());
}

void alarm_follows_clock() {
    longest_ns.store(std::min(longest_wait_ns, std::max(clock_must_be_read_within(), u64{1})), std::memory_order_relaxed);
}

void alarm_initialize_here() {
    local_apic_set_timer_mode(kind == AlarmKind::TscDeadline ? LocalApicTimer::TscDeadline : LocalApicTimer::OneShot, kind == AlarmKind::None);
}

void set_alarm(u64 deadline_ns) {
    deadline.write(deadline_ns);
    start_for(deadline_ns);
}

void cancel_alarm() {
    deadline.write(never);
    start_for(never);
}

void alarm_rang(bool from_user) {
    if (kind == AlarmKind::PitPeriodic) count_pit_tick();
    u64 const wanted = deadline.read();
    if (wanted == never || clock_ns() < wanted) return start_for(wanted);
    deadline.write(never);
    upcalls::on_timer(from_user);
}

char const* alarm_name() {
    switch (kind) {
    case AlarmKind::TscDeadline: return "TSC deadline";
    case AlarmKind::LocalApic: return "local APIC timer";
    case AlarmKind::PitOnce: return "PIT, one shot";
    case AlarmKind::PitPeriodic: return "PIT, periodic";
    case AlarmKind::None: break;
    }
    return "none";
}

}
