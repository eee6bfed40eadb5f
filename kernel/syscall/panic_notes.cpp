// SPDX-License-Identifier: MIT
// Reads only what the running thread owns, and takes no lock.
#include "kernel/syscall/panic_notes.h"

#include <arch/time.h>
#include <base/log.h>

#include "kernel/base/host_identity.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/table.h"

namespace syscall {
namespace {

template <class... A>
void say(base::FormatString<std::type_identity_t<A>...> format, A const&... arguments) {
    base::log(base::LogLevel::Emergency, "panic", format, arguments...);
}

}

void say_who_was_running() {
    u64 const up_ms = arch::clock_ns() / ns_per_ms;
    say("Aubrac {}, up {}.{:03} s", base::system_release, up_ms / 1000, up_ms % 1000);
    auto const* const thread = process::current_user_thread_or_null();
    if (!thread) return say("in the kernel thread {}", sched::current_thread().name);
    say("in thread {} ({}) of process {} ({})", thread->tid, thread->name, thread->process().pid(), thread->process().name());
    TrapFrame const& user = arch::user_frame(thread->context);
    u64 const number = user.vector_or_syscall;
    if (number == ~u64{0}) return say("not in a system call; the program was at {:#x}", user.rip);
    say("in system call {} ({}), made at {:#x}", number, number < table_size && table[number].name ? table[number].name : "?", user.rip);
}

}
