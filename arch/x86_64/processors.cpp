// SPDX-License-Identifier: MIT
// Starts the other CPUs: INIT, then a start-up IPI with the page that holds the first instructions of
// boot/processor.asm; and compares their TSCs with the boot CPU's. Intel SDM vol. 3, 9.4 "Multiple-processor (MP)
// initialization".
#include <arch/processors.h>

#include <atomic>
#include <cpuid.h>
#include <cstring>

#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/io.h>
#include <arch/per_cpu.h>
#include <arch/power.h>
#include <arch/time.h>
#include <arch/tlb.h>
#include <arch/upcalls.h>
#include <base/log.h>
#include <base/panic.h>
#include <base/trace.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/alarm.h"
#include "arch/x86_64/context_switch.h"
#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/processors.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/tsc_warp.h"

extern "C" char const per_cpu_start[], per_cpu_end[];
extern "C" char const processor_first_steps[], processor_first_steps_end[];

/// What boot/processor.asm loads on a CPU that starts.
extern "C" {
constinit u64 processor_root = 0, processor_efer = 0, processor_gs_base = 0, processor_stack = 0;
constinit u32 processor_number = 0;
[[gnu::section(".percpu")]] extern constinit u64 per_cpu_self_offset;
}

namespace arch {

namespace {

constexpr u64 first_answer_us = 200, patience_us = 200'000;

/// APIC ids by CPU number; written before the CPU runs.
constinit u32 apic_ids[max_cpus] = {};
/// CPUs that run threads. Ordering: release by the CPU that starts, acquire by readers: its per-CPU objects are
/// ready.
constinit std::atomic<u32> online{1};

size_t per_cpu_size() { return static_cast<size_t>(per_cpu_end - per_cpu_start); }

// ---- do the counters agree?

constexpr u32 MSR_TSC_ADJUST = 0x3b;
constexpr u64 turn_patience = u64{1} << 33;   // in TSC counts; a second or more

enum class WarpStep : u8 { None, Waiting, Judged };
constinit TscWarp warp;
/// Ordering: release by the CPU that starts (Waiting) and by the boot CPU (Judged), acquire by the other one.
constinit std::atomic<WarpStep> warp_step{WarpStep::None};
constinit u64 boot_tsc_adjust = 0;            // written before a CPU is started

bool has_tsc_adjust() {
    u32 a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & 2);
}

/// Not executed before the instructions in front of it.
u64 read_tsc_in_order() {
    asm volatile("lfence" : : : "memory");
    return read_tsc();
}

bool take_turns(u64 me) {
    u64 const start = read_tsc();
    return warp.take_part(me, read_tsc_in_order, [&] {
        relax();
        return read_tsc() - start < turn_patience;
    });
}

/// On the boot CPU: a starting CPU waits for it, and continues once all CPUs know which clock is used.
void judge_tsc(CpuId cpu) {
    u64 const start = read_tsc();
    bool done = take_turns(0);
    while (done && !warp.is_done() && (done = read_tsc() - start < turn_patience)) relax();
    if (!done) log_warning("clock", "CPU {} was too slow: whether its TSC is in step is not known", cpu);
    else if (u64 const behind = warp.worst(); behind != 0 && clock_is_tsc()) {
        bool const other = abandon_tsc();
        log_warning("clock", "the TSC of CPU {} is not in step (by {} counts): {}", cpu, behind, other ? clock_source_name() : "there is no other clock");
    }
    warp_step.store(WarpStep::Judged, std::memory_order_release);
}

/// On the CPU that starts.
void compare_tsc() {
    if (boot_tsc_adjust != ~u64{0} && read_msr(MSR_TSC_ADJUST) != boot_tsc_adjust) write_msr(MSR_TSC_ADJUST, boot_tsc_adjust);
    if (!clock_is_tsc()) return;
    warp_step.store(WarpStep::Waiting, std::memory_order_release);
    take_turns(1);
    u64 const start = read_tsc();
    while (warp_step.load(std::memory_order_acquire) != WarpStep::Judged && read_tsc() - start < turn_patience) relax();
}

bool answers_within(CpuId cpu, u64 microseconds) {
    u64 start = clock_ns();
    while (online.load(std::memory_order_acquire) <= cpu.value) {
        if (warp_step.load(std::memory_order_acquire) == WarpStep::Waiting) {
            judge_tsc(cpu);
            start = clock_ns();
        }
        if (clock_ns() - start > microseconds * ns_per_us) return false;
        relax();
    }
    return true;
}

}

u32 online_cpus() { return online.load(std::memory_order_acquire); }
u32 present_cpus() { return uses_apic() ? acpi::interrupt_model.cpus : 1; }

void note_boot_processor() {
    apic_ids[0] = local_apic_id();
    acpi::put_first(apic_ids[0]);
}

size_t cpu_area_size() { return sizeof(InterruptStacks) + per_cpu_size(); }

void prepare_cpu(CpuId cpu, void* area) {
    auto* const copy = static_cast<char*>(area) + sizeof(InterruptStacks);
    std::memcpy(copy, per_cpu_start, per_cpu_size());
    per_cpu_offsets[cpu.value] = reinterpret_cast<u64>(copy) - reinterpret_cast<u64>(per_cpu_start);
    u64 const self = reinterpret_cast<u64>(&per_cpu_self_offset) + per_cpu_offsets[cpu.value];
    *reinterpret_cast<u64*>(self) = per_cpu_offsets[cpu.value];
}

void reset_other_cpus() {
    for (u32 index = 1; index < present_cpus(); ++index) local_apic_send_init(acpi::interrupt_model.apic_ids[index]);
    delay_us(10'000);
}

bool start_cpu(u32 index, CpuId cpu, StartPage const& page, u64 stack_top) {
    std::memcpy(page.window, processor_first_steps, static_cast<size_t>(processor_first_steps_end - processor_first_steps));
    apic_ids[cpu.value] = acpi::interrupt_model.apic_ids[index];
    processor_root = kernel_tlb_space.root.value();
    processor_efer = read_msr(MSR_EFER);
    processor_gs_base = per_cpu_offsets[cpu.value];
    processor_stack = stack_top;
    processor_number = cpu.value;
    boot_tsc_adjust = has_tsc_adjust() ? read_msr(MSR_TSC_ADJUST) : ~u64{0};
    warp.begin();
    warp_step.store(WarpStep::None, std::memory_order_relaxed);
    // Ordering: full fence; everything the CPU reads is written before it is started.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    for (u64 const wait : {first_answer_us, patience_us}) {
        local_apic_send_start(apic_ids[cpu.value], static_cast<u8>(page.address.value() >> page_shift));
        if (answers_within(cpu, wait)) return true;
    }
    local_apic_send_init(apic_ids[cpu.value]);   // it must not wake up later, on a stack that is by then another CPU's
    return false;
}

/// boot/processor.asm jumps here: on the CPU's own stack and page tables, interrupts off.
extern "C" [[noreturn]] void start_this_processor(u32 number) {
    CpuId const cpu(number);
    initialize_cpu_early(cpu);
    enable_pcids();
    kernel_tlb_space.cpus.fetch_or(u64{1} << number, std::memory_order_relaxed);
    local_apic_initialize_here();
    alarm_initialize_here();
    compare_tsc();
    online.store(number + 1, std::memory_order_release);
    upcalls::on_cpu_start();
}

InterruptStacks& interrupt_stacks_of_started(CpuId cpu) {
    u64 const copy = reinterpret_cast<u64>(per_cpu_start) + per_cpu_offsets[cpu.value];
    return *reinterpret_cast<InterruptStacks*>(copy - sizeof(InterruptStacks));
}

void send_interrupt(CpuId cpu, u8 vector) {
    TRACE_EVENT(SendInterrupt, vector, cpu.value);
    InterruptGuard const guard;
    local_apic_send(apic_ids[cpu.value], vector);
}

void send_reschedule(CpuId cpu) { send_interrupt(cpu, vector_reschedule); }

void stop_other_cpus() { ask_other_cpus_where_they_are(); }

void interrupt_other_cpus_unmasked() {
    u32 const count = online_cpus(), self = current_cpu().value;
    for (u32 cpu = 0; cpu < count; ++cpu)
        if (cpu != self) local_apic_send_nmi(apic_ids[cpu]);
}

}
