// SPDX-License-Identifier: MIT
// Delivery, on the return to user mode: takes pending signals one at a time and runs the program's
// handler, or ends, stops or continues the process; ends or restarts an interrupted system call.
#include <abi/signal.h>
#include <base/log.h>

#include <bit>

#include <asm/unistd_64.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"
#include "sched/clock.h"

namespace process {
namespace {

enum class Next : u8 {
    Nothing,
    Taken,
    Otherwise,   ///< first the process stops, ends, or reports to its parent that it was continued
};

/// Whether the taken signal ends the process. Init dies only of its own faults, and of SIGKILL.
bool must_end(UserThread const& thread, SignalInfo const& info, SignalAction const& action) {
    if (action.handler != default_handler || default_action(info.signal) != DefaultAction::Terminate) return false;
    return !thread.process().is_init() || ((fault_signals & mask_of(info.signal)) && info.code > 0) || info.signal == SIGKILL
        || (thread.must_die_of & mask_of(info.signal));
}

/// Takes the next signal that is not blocked, with its action, and resets a one-shot handler: all in one step, so that no other
/// thread runs such a handler, and no action that is set at that time is lost. has_taken_stop tells SIGCONT of a taken stop signal.
Next take_next(UserThread& thread, SignalInfo& info, SignalAction& action) {
    Process& process = thread.process();
    SignalNodes used;
    Ref<SignalHandlers> own;
    for (;;) {
        {
            Locked guard(process.signal_lock);
            if (process.group_exit || process.stop_signal != 0 || process.stop_news != StopNews::None) return Next::Otherwise;
            PendingSignals* from = nullptr;
            int const signal = first_ready(thread, ~thread.blocked, from, guard);
            if (signal == 0) {
                refresh_return_work(thread, guard);
                return Next::Nothing;
            }
            action = process.handlers->read(signal);
            if (thread.must_die_of & mask_of(signal)) action.handler = default_handler;
            bool const resets = (action.flags & SA_RESETHAND) && action.handler > ignore_handler;
            bool const is_shared = resets && process.handlers->reference_count() > 1 && !process.handlers->is_common;
            if (!is_shared || own) {
                if (is_shared) take_own_table(process, own);
                if (resets) action = process.handlers->take_once(signal);
                info = from->take(signal, used);
                process.timers.on_taken(info);
                if (action.handler == default_handler && default_action(signal) == DefaultAction::Stop) thread.has_taken_stop = true;
                if (!must_end(thread, info, action)) return Next::Taken;
                end_threads(process, nullptr, signal, guard);   // before any thread forks again
                return Next::Otherwise;
            }
        }
        auto made = mm::make_ref<SignalHandlers>();
        if (made) {
            own = std::move(*made);
            continue;
        }
        // Without memory for a table of its own the process cannot get the one-shot handler that it asked for.
        Locked guard(process.signal_lock);
        end_threads(process, nullptr, SIGKILL, guard);
        return Next::Otherwise;
    }
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

/// A handler will run: decides whether the call ends with EINTR or restarts after the handler. signal(7).
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
        stop_process(thread, info.signal);
        return;
    case DefaultAction::Terminate:
        return;   // only init gets here: must_end()
    }
}

/// False: not even SIGSEGV's own frame fits; the process ends.
bool run_handler(UserThread& thread, TrapFrame& frame, SignalInfo const& info, SignalAction const& action) {
    settle_call_before_handler(frame, action);
    SignalMask const old_mask = thread.saved_mask.value_or(thread.blocked);
    if (!push_signal_frame(thread, frame, info, action, old_mask)) {
        if (info.signal == SIGSEGV) {
            Locked guard(thread.process().signal_lock);
            end_threads(thread.process(), nullptr, SIGSEGV, guard);
            return false;
        }
        SignalInfo fault;
        fault.signal = SIGSEGV;
        fault.code = SI_KERNEL;
        force_signal(fault);
        return true;
    }
    thread.saved_mask.reset();
    SignalMask blocked = thread.blocked | action.mask;
    if (!(action.flags & SA_NODEFER)) blocked |= mask_of(info.signal);
    set_blocked(thread, blocked);
    return true;
}

/// Another thread ended the process, or execs: this thread ends with the returned status.
std::optional<int> asked_to_end(UserThread const& thread) {
    if (!is_about_to_end(thread)) return std::nullopt;
    Locked guard(thread.process().signal_lock);
    return thread.process().group_exit_status;
}

}

std::optional<int> deliver_signals(TrapFrame& frame) {
    UserThread& thread = current_user_thread();
    for (;;) {
        if (auto const status = asked_to_end(thread)) return status;
        SignalInfo info;
        SignalAction action;
        Next const next = take_next(thread, info, action);
        if (next == Next::Nothing) break;
        if (next == Next::Otherwise) {
            stay_stopped(thread);
            continue;
        }
        if (action.handler == ignore_handler) continue;
        if (action.handler == default_handler) {
            run_default(thread, info);
            continue;
        }
        // A second signal's handler runs on top of the first's: this function is called again if a signal is pending.
        if (run_handler(thread, frame, info, action)) return std::nullopt;
    }
    settle_call_without_handler(frame);
    if (thread.saved_mask) {
        SignalMask const mask = *thread.saved_mask;
        thread.saved_mask.reset();
        set_blocked(thread, mask);
    }
    return std::nullopt;
}

}
