// SPDX-License-Identifier: MIT
// The kernel's last output. Everything here may run with any lock held, interrupts off, on any stack and with broken
// data: locks are broken (panicking()), the stack walk checks each step, and a second panic only stops.
#include <base/panic.h>

#include <atomic>

#include <arch/context.h>
#include <arch/early_console.h>
#include <arch/image.h>
#include <arch/interrupts.h>
#include <arch/paging.h>
#include <arch/power.h>
#include <arch/processors.h>
#include <arch/time.h>
#include <base/log.h>
#include <boot/early_screen.h>

#include "kernel/base/panic_policy.h"
#include "kernel/base/symbols.h"
#include "kernel/trace/trace.h"

extern "C" char const entry_text_start[], entry_text_end[];

namespace base {

namespace {

constexpr int max_depth = 40;
constexpr size_t events_shown = 16;

constexpr u32 no_cpu = ~u32{0};
constinit std::atomic<u32> panicking_cpu{no_cpu};
constinit i64 seconds_to_reset = 0;

template <class... A>
void say(FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
    log(LogLevel::Emergency, "panic", format, arguments...);
}

/// A return address may lie behind the end of its function if the call does not return.
enum class AddressKind : u8 { Instruction, Return };

/// A file's name relative to the top of the tree: the prefix that it shares with this file's own name is where the
/// tree was built.
std::string_view below_the_top(std::string_view file) {
    constexpr std::string_view own = __FILE__, top = own.substr(0, own.size() - std::string_view("kernel/base/panic.cpp").size());
    return file.starts_with(top) ? file.substr(top.size()) : file;
}

void say_address(char const* what, u64 address, AddressKind kind) {
    u64 const back = kind == AddressKind::Return ? 1 : 0;
    Symbol const symbol = arch::is_kernel_text(address) ? find_symbol(address - back) : Symbol{};
    if (symbol.name.empty()) say("{} {:#018x}", what, address);
    else say("{} {:#018x} {}+{:#x}", what, address, symbol.name, symbol.offset + back);
}

void say_registers(TrapFrame const& f) {
    say_address("rip", f.rip, AddressKind::Instruction);
    say("cs {:#x} ss {:#x} rsp {:#018x} flags {:#x}", f.cs, f.ss, f.rsp, f.rflags);
    say("rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}", f.rax, f.rbx, f.rcx, f.rdx);
    say("rsi {:016x} rdi {:016x} rbp {:016x} r8  {:016x}", f.rsi, f.rdi, f.rbp, f.r8);
    say("r9  {:016x} r10 {:016x} r11 {:016x} r12 {:016x}", f.r9, f.r10, f.r11, f.r12);
    say("r13 {:016x} r14 {:016x} r15 {:016x}", f.r13, f.r14, f.r15);
    say("cr2 {:016x} cr3 {:016x}", arch::last_fault_address(), arch::current_page_table_root().value());
}

/// True if the frame lies within the stack of `start`, which is at most this large, and above all frames seen so far.
bool is_next_frame(u64 frame, u64 previous, u64 start) {
    constexpr u64 largest_stack = 16 * kib;
    return is_aligned(frame, 8) && frame >= arch::direct_map_base && frame > previous && frame - start < largest_stack;
}

/// Follows the saved frame pointers. A return address inside entry.S means that a TrapFrame lies just above it
/// (CALL_ALIGNED leaves one word between): the walk continues in the code that was interrupted.
void say_backtrace(u64 frame_pointer) {
    u64 start = frame_pointer, previous = frame_pointer - 1;
    for (int depth = 0; depth < max_depth && is_next_frame(frame_pointer, previous, start); ++depth) {
        auto const* words = reinterpret_cast<u64 const*>(frame_pointer);
        u64 const return_address = words[1];
        if (!arch::is_kernel_text(return_address)) return;
        say_address("  at", return_address, AddressKind::Return);
        previous = frame_pointer;
        frame_pointer = words[0];
        bool const from_entry = return_address >= reinterpret_cast<u64>(entry_text_start) && return_address < reinterpret_cast<u64>(entry_text_end);
        if (!from_entry || frame_pointer == 0) continue;   // 0: the first function of a kernel thread
        auto const& trap = *reinterpret_cast<TrapFrame const*>(words + 3);
        if (trap.from_user() || !arch::is_kernel_text(trap.rip)) return;
        say_address("  interrupted", trap.rip, AddressKind::Instruction);
    }
}

/// The bytes around an instruction, with its first byte in <>; only those in the kernel's code, which is always
/// mapped.
void say_code(u64 rip) {
    constexpr u64 before = 24, after = 16;
    char text[(before + after) * 4 + 1];
    BufferWriter out({text, sizeof text});
    for (u64 at = rip - before; at != rip + after; ++at) {
        if (!arch::is_kernel_text(at)) continue;
        u8 const byte = *reinterpret_cast<u8 const*>(at);
        if (at == rip) format_to(out, "<{:02x}> ", byte);
        else format_to(out, "{:02x} ", byte);
    }
    if (!out.text().empty()) say("code: {}", out.text());
}

void say_other_cpus() {
    for (u32 cpu = 0; cpu < arch::online_cpus(); ++cpu) {
        if (CpuId(cpu) == arch::current_cpu()) continue;
        auto const frame = arch::where_cpu_was(CpuId(cpu));
        if (!frame) {
            say("CPU {} does not answer", cpu);
        } else if (frame->from_user()) {
            say("CPU {} was in a program at {:#x}", cpu, frame->rip);
        } else {
            say("CPU {} was in the kernel:", cpu);
            say_address("  at", frame->rip, AddressKind::Instruction);
            say_backtrace(frame->rbp);
        }
    }
}

void say_trace() {
    trace::Record events[events_shown];
    size_t const count = trace::last_records(events);
    for (size_t i = 0; i < count; ++i) {
        char text[96];
        BufferWriter out({text, sizeof text});
        trace::describe(out, events[i]);
        say("trace {:>9} us {}", events[i].nanoseconds / ns_per_us, out.text());
    }
}

[[noreturn]] void end_machine() {
    arch::debug_exit(arch::debug_exit_panic);
    if (seconds_to_reset < 0) arch::reset();
    if (seconds_to_reset > 0) {
        arch::delay_us(static_cast<u64>(seconds_to_reset) * 1'000'000);
        arch::reset();
    }
    arch::halt_for_ever();
}

}

bool panicking() { return panicking_cpu.load(std::memory_order_relaxed) != no_cpu; }

void set_panic_timeout(i64 seconds) { seconds_to_reset = seconds < -1 ? -1 : seconds > 86'400 ? 86'400 : seconds; }

constinit FromAbove<void()> panic_notes;

void panic_with(char const* reason, std::source_location where, TrapFrame const* frame, void (*details)()) {
    arch::interrupts_disable();
    u32 first = no_cpu;
    if (!panicking_cpu.compare_exchange_strong(first, arch::current_cpu().value)) {
        if (first == arch::current_cpu().value) end_machine();   // a panic within a panic
        arch::halt_for_ever();                                   // another CPU is reporting its own panic
    }
    arch::preempt_disable();
    arch::stop_other_cpus();
    kernel_log.set_console_level(static_cast<u8>(LogLevel::Debug) + 1);
    if (!kernel_log.has_sink())
        if (LogSink* const console = arch::early_console()) kernel_log.add_sink(*console);
    if (LogSink* const screen = boot::early_screen()) kernel_log.add_sink(*screen);
    say("kernel panic on CPU {}: {}", arch::current_cpu(), reason);
    say("in {} ({}:{})", where.function_name(), below_the_top(where.file_name()), where.line());
    if (details) details();
    if (panic_notes) panic_notes();
    if (frame) {
        say_registers(*frame);
        say_code(frame->rip);
        if (!frame->from_user()) say_backtrace(frame->rbp);
    } else {
        say_backtrace(reinterpret_cast<u64>(__builtin_frame_address(0)));
    }
    say_other_cpus();
    say_trace();
    say("end of panic");
    end_machine();
}

}
