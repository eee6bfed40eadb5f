// SPDX-License-Identifier: MIT
// What a process or thread says of itself: prctl(2) arch_prctl(2) personality(2).
#include <cstring>
#include <asm/prctl.h>
#include <linux/prctl.h>

#include "kernel/process/process.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"

namespace syscall {

Result<> sys_arch_prctl(Caller& caller, u32 code, u64 address) {
    TRY(accepted::arch_prctl.check(code));
    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (address >= arch::user_space_end) return fail(EPERM);
        if (code == ARCH_SET_FS) arch::set_fs_base(caller.thread.context, address);
        else arch::set_gs_base(caller.thread.context, address);
        return {};
    case ARCH_GET_FS: return mm::UserPtr<u64>(address).write(arch::get_fs_base(caller.thread.context));
    case ARCH_GET_GS: return mm::UserPtr<u64>(address).write(arch::get_gs_base(caller.thread.context));
    default: return fail(EINVAL);
    }
}

namespace {

Result<> set_name(Caller& caller, UserAddr from) {
    char name[sched::Thread::name_capacity];
    i64 const length = arch::copy_string_from_user(name, from, sizeof name - 1);
    if (length < 0) return fail(EFAULT);
    std::string_view const text(name, static_cast<size_t>(length));
    caller.thread.set_name(text);
    if (caller.thread.is_leader()) caller.process.set_name(text);
    return {};
}

Result<> get_name(Caller& caller, UserAddr to) {
    char name[sched::Thread::name_capacity] = {};
    std::memcpy(name, caller.thread.name, sizeof name - 1);
    return mm::UserPtr<char>(to).write_array(name);
}

Result<> set_dumpable(process::Process& process, u64 value) {
    if (value > 1) return fail(EINVAL);
    Locked guard(process.state_lock);
    process.dumpable = value;
    return {};
}

Result<> set_parent_death_signal(Caller& caller, u64 signal) {
    if (signal > static_cast<u64>(process::signal_count)) return fail(EINVAL);
    Locked guard(process::tree_lock);
    caller.thread.parent_death_signal = static_cast<int>(signal);
    caller.process.asks_parents_death |= signal != 0;
    return {};
}

int parent_death_signal(Caller& caller) {
    Locked guard(process::tree_lock);
    return caller.thread.parent_death_signal;
}

void set_subreaper(process::Process& process, bool wanted) {
    Locked guard(process::tree_lock);
    process.is_subreaper = wanted;
}

bool is_subreaper(process::Process& process) {
    Locked guard(process::tree_lock);
    return process.is_subreaper;
}

template <class T>
Result<i64> nothing_else(Result<T> const& done) { return done ? Result<i64>(0) : fail(done.error()); }

}

Result<i64> sys_prctl(Caller& caller, u32 option, u64 argument, u64 third, u64 fourth, u64 fifth) {
    TRY(accepted::prctl.check(option));
    auto& process = caller.process;
    bool const has_more = third || fourth || fifth;
    switch (option) {
    case PR_SET_NAME: return nothing_else(set_name(caller, UserAddr(argument)));
    case PR_GET_NAME: return nothing_else(get_name(caller, UserAddr(argument)));
    case PR_GET_DUMPABLE: return process.dumpable;
    case PR_SET_DUMPABLE: return nothing_else(set_dumpable(process, argument));
    case PR_SET_PDEATHSIG: return nothing_else(set_parent_death_signal(caller, argument));
    case PR_GET_PDEATHSIG: return nothing_else(mm::UserPtr<i32>(argument).write(parent_death_signal(caller)));
    case PR_SET_CHILD_SUBREAPER: set_subreaper(process, argument != 0); return 0;
    case PR_GET_CHILD_SUBREAPER: return nothing_else(mm::UserPtr<i32>(argument).write(is_subreaper(process)));
    case PR_GET_NO_NEW_PRIVS:
        if (argument || has_more) return fail(EINVAL);
        return process.no_new_privileges;
    case PR_SET_NO_NEW_PRIVS:
        if (argument != 1 || has_more) return fail(EINVAL);
        process.no_new_privileges = true;
        return 0;
    default: return fail(EINVAL);
    }
}

Result<u64> sys_personality(Caller& caller, u32 persona) {
    constexpr u32 ask = 0xffffffff;
    u32 const old = caller.thread.personality;
    if (persona != ask) caller.thread.personality = persona;
    return old;
}

}
