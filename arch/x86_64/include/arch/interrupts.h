// SPDX-License-Identifier: MIT
// Interrupts of this CPU, preemption of the running thread, and the routing of device interrupts.
#pragma once

#include <arch/per_cpu.h>
#include <base/latency.h>
#include <base/types.h>

namespace base { class Writer; }

namespace arch {

// ---- this CPU's interrupt flag

inline bool interrupts_enabled() { u64 f; asm volatile("pushfq; popq %0" : "=r"(f) : : "memory"); return f & 0x200; }
inline void interrupts_enable() {
    base::note_interrupts_on();
    asm volatile("sti" : : : "memory");
}
inline void interrupts_disable() {
    asm volatile("cli" : : : "memory");
    base::note_interrupts_off();
}

/// Interrupts off for a scope; restores the previous state.
class InterruptGuard {
public:
    InterruptGuard() {
        asm volatile("pushfq; popq %0; cli" : "=r"(flags_) : : "memory");
        base::note_interrupts_off();
    }
    ~InterruptGuard() { if (flags_ & 0x200) interrupts_enable(); }
    InterruptGuard(InterruptGuard const&) = delete;
private:
    u64 flags_;
};

// ---- preemption: one per-CPU word, which is 0 exactly when a preemption is both requested and allowed

/// Bits 0-30: nesting depth. Bit 31: *no* reschedule is requested.
extern PerCpu<u32> preempt_word;
inline constexpr u32 preempt_not_needed = 0x80000000u;

/// Slow path of preempt_enable(); calls upcalls::on_preempt().
void preempt_now();

inline u32 preempt_depth() { return preempt_word.read() & ~preempt_not_needed; }
inline void preempt_disable() {
    preempt_word.add(1);
    asm volatile("" : : : "memory");
    if constexpr (config::debug)
        if (preempt_depth() == 1) base::note_preemption_off();
}
inline void preempt_enable_no_check() {
    if constexpr (config::debug)
        if (preempt_depth() == 1) base::note_preemption_on();
    asm volatile("" : : : "memory");
    preempt_word.add(~0u);
}
inline void preempt_enable() {
    preempt_enable_no_check();
    if (preempt_word.read() == 0) [[unlikely]] preempt_now();
}
inline bool preempt_enabled() { return preempt_depth() == 0; }
/// Makes this CPU reschedule at its next opportunity; call with preemption off.
inline void set_need_resched() { asm volatile("andl $0x7fffffff, %%gs:%0" : "+m"(preempt_word) : : "memory"); }
inline void clear_need_resched() { asm volatile("orl $0x80000000, %%gs:%0" : "+m"(preempt_word) : : "memory"); }
inline bool need_resched() { return !(preempt_word.read() & preempt_not_needed); }

class PreemptGuard {
public:
    PreemptGuard() { preempt_disable(); }
    ~PreemptGuard() { preempt_enable(); }
    PreemptGuard(PreemptGuard const&) = delete;
};

// ---- vectors and device interrupts

inline constexpr u8 vector_timer = 32;
inline constexpr u8 vector_keyboard = 33;
inline constexpr u8 vector_first_device = 34;   ///< other ISA lines: 34 + n
inline constexpr u8 vector_reschedule = 0xf0;
inline constexpr u8 vector_tlb = 0xf1;
inline constexpr u8 vector_stop = 0xf2;
inline constexpr u8 vector_spurious = 0xff;

/// Called with interrupts off, on the interrupted thread's kernel stack.
using InterruptHandler = void (*)(void* context);

/// Routes ISA interrupt `line` (0-15; MADT overrides applied) to `handler` on the boot CPU and unmasks it. Vector:
/// timer 32, keyboard 33, others 34 + line.
void enable_isa_interrupt(u8 line, InterruptHandler handler, void* context, char const* name);
void disable_isa_interrupt(u8 line);

/// Writes /proc/interrupts in Linux's form.
void write_interrupts(base::Writer& out);

}
