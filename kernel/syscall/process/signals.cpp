// SPDX-License-Identifier: MIT
// Signals: rt_sigaction(2) rt_sigprocmask(2) rt_sigsuspend(2) rt_sigreturn(2) kill(2)
// sigaltstack(2) pause(2).
#include <abi/signal.h>

#include <algorithm>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/process/processes.h"
#include "kernel/syscall/timespec.h"
#include "sched/clock.h"

namespace syscall {

using process::process_manager;

namespace {

/// sigsetsize of every rt_ call.
Result<> check_size(u64 size) {
    if (size != sizeof(SignalMask)) return fail(EINVAL);
    return {};
}

/// Sleeps until a signal is deliverable; the caller's mask holds during the sleep.
Result<> wait_for_signal(Caller& caller) {
    sched::WaitQueue never;
    (void)never.wait([] { return false; });
    (void)caller;
    return fail(restart_no_hand);
}

}

Result<> sys_rt_sigaction(Caller& caller, i32 signal, mm::UserPtr<SignalAction> in, mm::UserPtr<SignalAction> out, u64 size) {
    TRY(check_size(size));
    SignalAction replacement;
    if (!in.is_null()) replacement = TRY(in.read());
    auto const old = TRY(process::exchange_action(caller.process, signal, in.is_null() ? nullptr : &replacement));
    if (!out.is_null()) TRY(out.write(old));
    return {};
}

Result<> sys_rt_sigprocmask(Caller& caller, i32 how, mm::UserPtr<SignalMask> in, mm::UserPtr<SignalMask> out, u64 size) {
    TRY(check_size(size));
    SignalMask const old = caller.thread.blocked;
    if (!in.is_null()) {
        SignalMask const mask = TRY(in.read());
        switch (how) {
        case SIG_BLOCK: process::set_blocked(caller.thread, old | mask); break;
        case SIG_UNBLOCK: process::set_blocked(caller.thread, old & ~mask); break;
        case SIG_SETMASK: process::set_blocked(caller.thread, mask); break;
        default: return fail(EINVAL);
        }
    }
    if (!out.is_null()) TRY(out.write(old));
    return {};
}

Result<> sys_rt_sigsuspend(Caller& caller, mm::UserPtr<SignalMask> mask_address, u64 size) {
    TRY(check_size(size));
    SignalMask const mask = TRY(mask_address.read());
    caller.thread.saved_mask = caller.thread.blocked;
    process::set_blocked(caller.thread, mask);
    return wait_for_signal(caller);
}

Result<> sys_pause(Caller& caller) { return wait_for_signal(caller); }

Result<> sys_rt_sigpending(Caller& caller, mm::UserPtr<SignalMask> out, u64 size) {
    if (size > sizeof(SignalMask)) return fail(EINVAL);
    SignalMask const mask = process::pending_signals(caller.thread) & caller.thread.blocked;
    return mm::UserPtr<std::byte>(out.address()).write_array({reinterpret_cast<std::byte const*>(&mask), size});
}

Result<u64> sys_rt_sigreturn(Caller& caller) { return process::signal_return(caller.frame); }

Result<i64> sys_rt_sigtimedwait(Caller& caller, mm::UserPtr<SignalMask> wanted_address, UserAddr info_out, UserAddr timeout, u64 size) {
    TRY(check_size(size));
    SignalMask const wanted = TRY(wanted_address.read()) & ~(process::mask_of(SIGKILL) | process::mask_of(SIGSTOP));
    u64 const deadline = timeout.is_null() ? sched::no_deadline : deadline_of(TRY(read_timespec(timeout)), false, false);
    auto taken = process::take_signal(caller.thread, wanted);
    if (!taken) {
        // They are unblocked during the sleep, so that their arrival ends it, and are taken before they can be delivered.
        SignalMask const old = caller.thread.blocked;
        process::set_blocked(caller.thread, old & ~wanted, old);
        sched::WaitQueue never;
        auto const slept = never.wait([] { return false; }, sched::Interruptible::Yes, deadline);
        taken = process::take_signal(caller.thread, wanted);
        process::set_blocked(caller.thread, old);
        if (!taken) return fail(slept.error() == Errno(ETIMEDOUT) ? EAGAIN : EINTR);
    }
    if (!info_out.is_null()) {
        std::array<std::byte, 128> bytes{};
        process::encode_signal_info(*taken, bytes);
        TRY(mm::UserPtr<std::byte>(info_out).write_array(bytes));
    }
    return taken->signal;
}

Result<> sys_kill(Caller&, i32 pid, i32 signal) { return process_manager.kill(pid, signal); }
Result<> sys_tkill(Caller&, Pid tid, i32 signal) {
    if (tid.value <= 0) return fail(EINVAL);
    return process_manager.kill_thread(Pid(0), tid, signal);
}
Result<> sys_tgkill(Caller&, Pid group, Pid tid, i32 signal) {
    if (group.value <= 0 || tid.value <= 0) return fail(EINVAL);
    return process_manager.kill_thread(group, tid, signal);
}

/// siginfo_t as a program gives it to another: what a signal says about its sender may not be invented (EPERM),
/// except to oneself.
Result<process::SignalInfo> read_info(Caller& caller, Pid to, i32 signal, UserAddr address) {
    auto const given = TRY(mm::UserPtr<siginfo_t>(address).read());
    bool const as_if_kernel = given.si_code >= 0 || given.si_code == SI_TKILL;
    if (as_if_kernel && to != caller.process.pid() && to != caller.thread.tid) return fail(EPERM);
    process::SignalInfo info;
    info.signal = signal;
    info.code = given.si_code;
    info.error = given.si_errno;
    info.pid = given.si_pid;
    info.uid = given.si_uid;
    info.status = given.si_status;
    info.address = reinterpret_cast<u64>(given.si_addr);
    info.value = reinterpret_cast<u64>(given.si_ptr);
    return info;
}

Result<> sys_rt_sigqueueinfo(Caller& caller, Pid pid, i32 signal, UserAddr info) {
    auto const read = TRY(read_info(caller, pid, signal, info));
    if (pid.value <= 0) return fail(ESRCH);
    if (signal < 0 || signal > process::signal_count) return fail(EINVAL);
    return process_manager.queue_signal(pid, read);
}
Result<> sys_rt_tgsigqueueinfo(Caller& caller, Pid group, Pid tid, i32 signal, UserAddr info) {
    if (group.value <= 0 || tid.value <= 0) return fail(EINVAL);
    return process_manager.queue_to_thread(group, tid, TRY(read_info(caller, tid, signal, info)));
}

Result<> sys_sigaltstack(Caller& caller, mm::UserPtr<UserStack> in, mm::UserPtr<UserStack> out) {
    auto& stack = caller.thread.alternate_stack;
    using process::AlternateStack;
    bool const in_use = stack.is_in_use(caller.frame.rsp);
    u32 const state = (stack.size == 0 ? SS_DISABLE : in_use ? SS_ONSTACK : 0) | (stack.flags & AlternateStack::auto_disarm);
    UserStack const old{stack.address, static_cast<i32>(state), 0, stack.size};
    if (!in.is_null()) {
        UserStack const wanted = TRY(in.read());
        if (in_use) return fail(EPERM);
        u32 const flags = static_cast<u32>(wanted.flags), mode = flags & ~AlternateStack::auto_disarm;
        if (mode != 0 && mode != SS_DISABLE && mode != SS_ONSTACK) return fail(EINVAL);
        if (mode == SS_DISABLE) stack = {0, 0, flags};
        else if (wanted.size < std::max<size_t>(MINSIGSTKSZ, process::minimum_signal_stack())) return fail(ENOMEM);
        else stack = {wanted.address, wanted.size, flags};
    }
    if (!out.is_null()) TRY(out.write(old));
    return {};
}

}
