// SPDX-License-Identifier: MIT
// The way from SYSCALL to a handler. Hot: the silent path is a bounds check, one load and
// one indirect call.
#include "kernel/syscall/dispatch.h"

#include <atomic>

#include <base/log.h>
#include <base/trace.h>

#include "kernel/base/panic_policy.h"
#include "kernel/fs/procfs/procfs.h"
#include "kernel/syscall/machine/log_setting.h"
#include "kernel/syscall/panic_notes.h"
#include "kernel/syscall/sockets/sockets.h"
#include "kernel/syscall/table.h"

namespace syscall {
namespace {

constinit u64 strace_level = 0;                            // written once at boot, as is_watched
constinit bool is_watched = false;                         // somebody wants to know of every call
constinit std::atomic<u32> unprovided[table_size] = {};    // calls answered with ENOSYS, by number
constinit std::atomic<u64> unprovided_beyond{0};           // … with numbers past the table

Result<> write_unprovided(base::Writer& out) {
    for (size_t number = 0; number < table_size; ++number)
        if (u32 const count = unprovided[number].load(std::memory_order_relaxed))
            base::format_to(out, "{} {}\n", number, count);
    if (u64 const count = unprovided_beyond.load(std::memory_order_relaxed))
        base::format_to(out, "beyond {}\n", count);
    return {};
}

[[gnu::cold, gnu::noinline]] i64 not_provided(Caller& caller, u64 number) {
    u64 count = 0;
    if (number < table_size) count = unprovided[number].fetch_add(1, std::memory_order_relaxed);
    else count = unprovided_beyond.fetch_add(1, std::memory_order_relaxed);
    if (strace_level >= 1 && count == 0)
        log_info("strace", "{} ({}): system call {} is not provided", caller.thread.name, caller.process.pid(), number);
    return -ENOSYS;
}

[[gnu::cold, gnu::noinline]] void report(Caller& caller, u64 number, i64 result) {
    TRACE_EVENT(SystemCall, number, static_cast<u64>(result));
    if (strace_level < 2) return;
    TrapFrame const& f = caller.frame;
    char const* name = number < table_size && table[number].name ? table[number].name : "?";
    log_info("strace", "{} ({}): {}({:#x}, {:#x}, {:#x}, {:#x}, {:#x}, {:#x}) = {}", caller.thread.name,
             caller.process.pid(), name, f.rdi, f.rsi, f.rdx, f.r10, f.r8, f.r9, result);
}

}

void initialize(u64 level) {
    strace_level = level;
    register_sender();
    base::panic_notes.provide(say_who_was_running);
    is_watched = level >= 2 || trace::is_enabled(trace::Event::SystemCall);
    if (!register_log_setting()) log_warning("syscall", "no memory for /proc/sys/kernel/dmesg_restrict");
    if (!fs::procfs.add("unprovided_calls", write_unprovided)) log_warning("syscall", "no memory for /proc/unprovided_calls");
}

void dispatch(TrapFrame& frame) {
    auto& thread = process::current_user_thread();
    Caller caller{thread, thread.process(), frame};
    u64 const number = frame.vector_or_syscall;
    i64 result;
    if (number < table_size && table[number].call) [[likely]] result = table[number].call(caller);
    else result = not_provided(caller, number);
    if (is_watched) [[unlikely]] report(caller, number, result);
    frame.rax = static_cast<u64>(result);
}

}
