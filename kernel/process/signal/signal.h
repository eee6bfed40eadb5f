// SPDX-License-Identifier: MIT
// Signals: sending, taking, delivery. signal(7), sigaction(2). A signal sets the return_work flag of a thread, which delivers it on
// its way back to user mode. Lock order: tree_lock, Process::signal_lock.
#pragma once

#include <optional>

#include "kernel/process/process.h"

struct TrapFrame;

namespace process {

/// Sends to a process: any thread takes it. Any context in which Process::signal_lock may be taken.
void send_signal(Process& target, SignalInfo const& info);
/// rt_sigqueueinfo(2): EAGAIN where there is no room for what must not be lost.
Result<> queue_to_process(Process& target, SignalInfo const& info);
/// Which thread takes a signal to the process, if it can; else another one.
enum class Prefer : u8 {
    First,      ///< as kill(2)
    Running,    ///< the running thread, which is one of the process: it is what the signal is about
    Urgent,     ///< the running thread if it is one of the process, and the first would wait for its CPU
};
/// As send_signal() with tree_lock or another spin lock held: allocates nothing, so information may be lost. False: it is
/// ignored.
bool post_signal(Process& target, SignalInfo const& info, Prefer preference = Prefer::First);
/// To one thread, of which the caller knows that it has not ended. `room`: what make_thread_node() gave, and what is left of it.
void post_to_thread(UserThread& thread, SignalInfo const& info, SignalNodes& room);
/// EAGAIN: no room for what must not be lost.
Result<> make_thread_node(Process const& target, SignalInfo const& info, SignalNodes& room);
/// A fault of the running thread: cannot be blocked or ignored (then the process dies).
void force_signal(SignalInfo const& info);

/// sigaction(2): null `replacement` only asks. EINVAL for SIGKILL and SIGSTOP, ENOMEM. Ignoring a signal discards it.
Result<SignalAction> exchange_action(Process& process, int signal, SignalAction const* replacement);
/// Changes the running thread's mask (never SIGKILL, SIGSTOP) and looks again for what is now deliverable. `before`: what
/// was blocked and is to be kept, whatever its action, until the next change (sigtimedwait(2)).
void set_blocked(UserThread& thread, SignalMask mask, SignalMask before = 0);
/// sigtimedwait(2): takes one pending signal of `wanted` from the running thread or its process.
std::optional<SignalInfo> take_signal(UserThread& thread, SignalMask wanted);
/// Signals of `signals` that wait for the process, and for which `thread` may have been woken alone: another takes them.
void pass_on(UserThread& thread, SignalMask signals, SignalLock::Guard const&);
/// Whether the running thread has something to deliver, chosen for it or not: then it shall do that first.
bool has_to_deliver(UserThread& thread);
/// Signals pending for the thread or its process, blocked or not (sigpending(2)).
SignalMask pending_signals(UserThread const& thread);

/// From upcalls::on_return_to_user: delivers what is pending, restarts or ends a system call. Not empty: the thread is to end, with
/// this status.
[[nodiscard]] std::optional<int> deliver_signals(TrapFrame& frame);
/// rt_sigreturn(2): restores the frame; the value that goes to rax.
u64 signal_return(TrapFrame& frame);
bool signal_pending();
/// True if the running thread is about to die of what is pending.
bool fatal_signal_pending();
/// The process ends, or another thread executes: the thread ends on its way back to user mode, and sleeps that are Fatal end.
bool is_about_to_end(UserThread const& thread);

/// Stack that a handler's frame needs (AT_MINSIGSTKSZ).
size_t minimum_signal_stack();

}
