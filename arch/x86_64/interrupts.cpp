// SPDX-License-Identifier: MIT
// Device interrupts: which line arrives at which vector, its handler and its count; and the slow path of preemption.
// Invariant: handlers run with interrupts and preemption off.
#include <arch/interrupts.h>

#include <arch/context.h>
#include <arch/spin_lock.h>
#include <arch/upcalls.h>
#include <base/format.h>
#include <base/log.h>
#include <base/trace.h>

#include "arch/x86_64/acpi.h"
#include "arch/x86_64/alarm.h"
#include "arch/x86_64/interrupt_controller.h"
#include "arch/x86_64/processors.h"

namespace arch {

namespace {

constexpr u8 line_timer = 0, line_keyboard = 1, no_line = 0xff;
constexpr u8 pic_vectors_in_use = 32, pic_vectors_aside = 0xe0;

struct Line {
    InterruptHandler handler = nullptr;   // written with `lock` held; read in the handler
    void* context = nullptr;
    char const* name = "";
};

struct Counts {
    u64 lines[pic_line_count] = {};
    u64 alarm = 0, reschedule = 0, tlb = 0, spurious = 0, unexpected = 0;
};

constinit SpinLock<LockRank::interrupt_controller, InterruptsOff> lock;
constinit Line lines[pic_line_count] = {};
constinit bool apic_in_use = false;   // written once at boot
PER_CPU PerCpu<Counts> counts;        // this CPU, interrupts off

/// With APICs: timer 32, keyboard 33, others 34 + line. The 8259 can only count up from 32.
u8 vector_of(u8 line) {
    if (!apic_in_use) return static_cast<u8>(pic_vectors_in_use + line);
    if (line == line_timer) return vector_timer;
    return line == line_keyboard ? vector_keyboard : static_cast<u8>(vector_first_device + line);
}

u8 line_of(u8 vector) {
    for (u8 line = 0; line < pic_line_count; ++line)
        if (vector_of(line) == vector) return line;
    return no_line;
}

void run_line(u8 line) {
    counts.local().lines[line]++;
    if (lines[line].handler) lines[line].handler(lines[line].context);
    else counts.local().unexpected++;
}

/// A request from another CPU. On the way out entry.S checks the reschedule word and the thread's own flag.
void run_request(u8 vector) {
    if (vector == vector_tlb) {
        counts.local().tlb++;
        return tlb_interrupt();
    }
    counts.local().reschedule++;
    set_need_resched();
}

void dispatch(TrapFrame const& frame, u8 vector) {
    if (vector == vector_timer) {
        counts.local().alarm++;
        if (apic_in_use) local_apic_end_of_interrupt();
        else pic_end_of_interrupt(line_timer);
        return alarm_rang(frame.from_user());
    }
    if (vector == vector_reschedule || vector == vector_tlb) {
        local_apic_end_of_interrupt();
        return run_request(vector);
    }
    if (apic_in_use && run_message(vector)) return local_apic_end_of_interrupt();
    u8 const line = line_of(vector);
    if (vector == vector_spurious || line == no_line || (!apic_in_use && pic_is_spurious(line))) {
        counts.local().spurious++;
        // A vector that nobody requested was still delivered, so it must be ended; the spurious vector must not be.
        if (apic_in_use && vector != vector_spurious && vector < pic_vectors_aside) local_apic_end_of_interrupt();
        return;
    }
    run_line(line);
    if (apic_in_use) local_apic_end_of_interrupt();
    else pic_end_of_interrupt(line);
}

/// One line of /proc/interrupts: a count for each CPU.
template <class Count>
void write_count_row(base::Writer& out, std::string_view label, Count&& count, char const* kind, char const* name) {
    base::format_to(out, "{:>3}:", label);
    for (u32 cpu = 0; cpu < online_cpus(); ++cpu) base::format_to(out, " {:>10}", count(CpuId(cpu)));
    base::format_to(out, "   {}   {}\n", kind, name);
}

u64 sum_of_line(u8 line) {
    u64 sum = 0;
    for (u32 cpu = 0; cpu < online_cpus(); ++cpu) sum += counts.on(CpuId(cpu)).lines[line];
    return sum;
}

}

extern "C" void handle_interrupt(TrapFrame& frame, u32 vector) {
    base::note_interrupt_entry();
    preempt_disable();
    TRACE_EVENT(Interrupt, vector, frame.rip);
    dispatch(frame, static_cast<u8>(vector));
    preempt_enable_no_check();   // entry.S checks the word on the way out
    base::note_interrupts_on();        // by its IRET, or by the thread that on_preempt() switches to
}

void preempt_now() {
    if (!interrupts_enabled()) return;   // code that turned interrupts off relies on not being switched away
    upcalls::on_preempt();
}

bool uses_apic() { return apic_in_use; }

void initialize_interrupts() {
    // First, while the local APIC still listens to the 8259: this withdraws a timer tick that the firmware left
    // pending. Later nobody would notice the withdrawal, and QEMU would deliver an interrupt without a vector.
    bool const has_pic = pic_initialize(pic_vectors_aside);
    apic_in_use = acpi::interrupt_model.present && local_apic_initialize(acpi::interrupt_model.local_apic) && io_apics_initialize();
    if (!apic_in_use) local_apic_let_pass(), pic_initialize(pic_vectors_in_use);
    if (apic_in_use) note_boot_processor(), initialize_messages();
    log_info("interrupts", "{}, 8259 {}", apic_in_use ? (local_apic_is_x2apic() ? "x2APIC" : "xAPIC") : "no APIC",
             has_pic ? (apic_in_use ? "masked" : "in use") : "absent");
}

void unmask_pit_line() {
    Locked guard(lock);
    pic_set_masked(line_timer, false);
}

void enable_isa_interrupt(u8 line, InterruptHandler handler, void* context, char const* name) {
    if (line >= pic_line_count) return;
    auto const& wiring = acpi::interrupt_model.lines[line];
    {
        Locked guard(lock);
        lines[line] = {handler, context, name};
        if (!apic_in_use) pic_set_masked(line, false);
    }
    if (apic_in_use) io_apic_route(wiring.interrupt, vector_of(line), local_apic_id(), wiring.low_active, wiring.level);
}

void disable_isa_interrupt(u8 line) {
    if (line >= pic_line_count) return;
    if (apic_in_use) io_apic_mask(acpi::interrupt_model.lines[line].interrupt);
    Locked guard(lock);
    if (!apic_in_use) pic_set_masked(line, true);
    lines[line].handler = nullptr;
}

void write_interrupts(base::Writer& out) {
    out.write("    ");
    for (u32 cpu = 0; cpu < online_cpus(); ++cpu) base::format_to(out, "       CPU{}", cpu);
    out.write("\n");
    for (u8 line = 0; line < pic_line_count; ++line) {
        if (!lines[line].handler && sum_of_line(line) == 0) continue;
        char label[4];
        base::BufferWriter text({label, sizeof label});
        base::format_to(text, "{}", line);
        write_count_row(out, text.text(), [&](CpuId cpu) { return counts.on(cpu).lines[line]; }, apic_in_use ? "IO-APIC" : "XT-PIC", lines[line].name);
    }
    write_messages(out);
    static constexpr struct { char const* label; u64 Counts::* count; char const* text; } rows[] = {
        {"LOC", &Counts::alarm, "Local timer interrupts"},       {"RES", &Counts::reschedule, "Rescheduling interrupts"},
        {"TLB", &Counts::tlb, "TLB shootdowns"},                 {"SPU", &Counts::spurious, "Spurious interrupts"},
        {"ERR", &Counts::unexpected, "Interrupts without a handler"},
    };
    write_count_row(out, "NMI", [](CpuId cpu) { return count_of_nmis(cpu); }, "Non-maskable interrupts", "");
    for (auto const& row : rows) write_count_row(out, row.label, [&](CpuId cpu) { return counts.on(cpu).*row.count; }, row.text, "");
}

}
