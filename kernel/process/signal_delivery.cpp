// SPDX-License-Identifier: MIT
// On the way back to user mode: takes pending signals one at a time and does what the
// program asked for, or dies, stops, or goes on; ends or restarts an interrupted system call.
#include <abi/signal.h>
#include <base/log.h>

#include <bit>

#include <asm/unistd_64.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"
#include "sched/clock.h"

namespace process {
namespace {

using SignalGuard = decltype(Process::signal_lock)::Guard;

/// The next signal that is not blocked, with its action; resets the action if SA_RESETHAND.
std::optional<SignalInfo> take_next(UserThread& thread, SignalAction& action) {
    auto const info = take_signal(thread, ~thread.blocked);
    if (!info) return info;
    Process& process = thread.process();
    {
        SignalGuard guard(process.signal_lock);
        action = process.handlers->read(info->signal);
    }
    if (thread.must_die_of & mask_of(info->signal)) action.handler = default_handler;
    if ((action.flags & SA_RESETHAND) && action.handler > ignore_handler) {
        SignalAction reset = action;
        reset.handler = default_handler;
        // Without memory for a table of its own the process cannot be given what it asked for.
        if (!exchange_action(process, info->signal, &reset)) process_manager.exit_group(SIGKILL);
    }
    return info;
}

bool was_interrupted(TrapFrame const& frame, int error) {
    return static_cast<i64>(frame.vector_or_syscall) >= 0 && static_cast<i64>(frame.rax) == -error;
}

void restart(TrapFrame& frame) {
    constexpr u64 syscall_instruction_size = 2;
    frame.rax = frame.vector_or_syscall;
    frame.rip -= syscall_instruction_size;
    frame.vector_or_syscall = ~u64{0};
}

/// A handler will run: does the call end with EINTR or start again after it? signal(7).
void settle_call_before_handler(TrapFrame& frame, SignalAction const& action) {
    if (was_interrupted(frame, restart_no_intr) || (was_interrupted(frame, restart_sys) && (action.flags & SA_RESTART)))
        restart(frame);
    else if (was_interrupted(frame, restart_sys) || was_interrupted(frame, restart_no_hand) || was_interrupted(frame, restart_by_block))
        frame.rax = static_cast<u64>(-EINTR);
}

void settle_call_without_handler(TrapFrame& frame) {
    if (was_interrupted(frame, restart_sys) || was_interrupted(frame, restart_no_intr) || was_interrupted(frame, restart_no_hand)) {
        restart(frame);
    } else if (was_interrupted(frame, restart_by_block)) {
        frame.vector_or_syscall = __NR_restart_syscall;
        restart(frame);
    }
}

void run_default(UserThread& thread, SignalInfo const& info) {
    switch (default_action(info.signal)) {
    case DefaultAction::Ignore: return;
    case DefaultAction::Stop:
        // POSIX 2.4.3: no shell could continue a process of an orphaned group.
        if (info.signal != SIGSTOP && process_manager.is_orphaned(thread.process().group)) return;
        stop_process(thread.process(), info.signal);
        return;
    case DefaultAction::Terminate:
        // Blocked when it was sent, or it would not be here; init dies of its own faults only.
        if (thread.process().is_init() && !((fault_signals & mask_of(info.signal)) && info.code > 0) && info.signal != SIGKILL
            && !(thread.must_die_of & mask_of(info.signal))) return;
        process_manager.exit_group(info.signal);
    }
}

void run_handler(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action) {
    settle_call_before_handler(frame, action);
    SignalMask const old_mask = thread.saved_mask.value_or(thread.blocked);
    if (!push_signal_frame(thread, frame, info, action, old_mask)) {
        SignalInfo fault;
        fault.signal = SIGSEGV;
        fault.code = SI_KERNEL;
        if (info.signal == SIGSEGV) process_manager.exit_group(SIGSEGV);
        return force_signal(fault);
    }
    thread.saved_mask.reset();
    SignalMask blocked = thread.blocked | action.mask;
    if (!(action.flags & SA_NODEFER)) blocked |= mask_of(info.signal);
    set_blocked(thread, blocked);
}

/// Another thread ended the process, or execs: this one ends.
void obey_exit(UserThread& thread) {
    if (!(thread.return_work.load(std::memory_order_relaxed) & return_work::exit)) return;
    Process& process = thread.process();
    int status;
    {
        SignalGuard guard(process.signal_lock);
        status = process.group_exit_status;
    }
    process_manager.exit_thread(status);
}

}

void deliver_signals(TrapFrame& frame) {
    UserThread& thread = current_user_thread();
    for (;;) {
        obey_exit(thread);
        stay_stopped(thread);
        SignalAction action;
        auto const info = take_next(thread, action);
        if (!info) break;
        if (action.handler == ignore_handler) continue;
        if (action.handler == default_handler) {
            run_default(thread, *info);
            continue;
        }
        run_handler(thread, frame, *info, action);
        // A second signal's handler runs on top of the first's: back here if one is pending.
        return;
    }
    settle_call_without_handler(frame);
    if (thread.saved_mask) {
        SignalMask const mask = *thread.saved_mask;
        thread.saved_mask.reset();
        set_blocked(thread, mask);
    }
}

}
