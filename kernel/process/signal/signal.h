// SPDX-License-Identifier: MIT
// Signals: sending, taking, delivery. signal(7), sigaction(2). A signal sets the return_work flag of a thread, which delivers it on
// its return to user mode. Lock order: tree_lock, then Process::signal_lock.
#pragma once

#include <optional>

#include "kernel/process/process.h"

struct TrapFrame;

namespace process {

/// Sends a signal to a process: any thread takes it. Any context in which Process::signal_lock may be taken.
void send_signal(Process& target, SignalInfo const& info);
/// rt_sigqueueinfo(2). EAGAIN: there is no room for information that must not be lost.
Result<> queue_to_process(Process& target, SignalInfo const& info);
/// Which thread takes a signal to the process, if it can; otherwise another one.
enum class Prefer : u8 {
    First,      ///< as kill(2)
    Running,    ///< the running thread, which belongs to the process and caused the signal
    Urgent,     ///< the running thread if it belongs to the process, and the first would wait for its CPU
};
/// As send_signal(), with tree_lock or another spin lock held: allocates nothing, so that information may be lost. False: the signal
/// is ignored.
bool post_signal(Process& target, SignalInfo const& info, Prefer preference = Prefer::First);
/// Sends to one thread, which the caller knows not to have ended. `room`: the result of make_thread_node(); unused nodes stay in it.
void post_to_thread(UserThread& thread, SignalInfo const& info, SignalNodes& room);
/// EAGAIN: there is no room for information that must not be lost.
Result<> make_thread_node(Process const& target, SignalInfo const& info, SignalNodes& room);
/// A fault of the running thread. It cannot be blocked or ignored: if it is, the process dies.
void force_signal(SignalInfo const& info);

/// sigaction(2): null `replacement` only reads. EINVAL for SIGKILL and SIGSTOP, ENOMEM. Ignoring a signal discards pending ones.
Result<SignalAction> exchange_action(Process& process, int signal, SignalAction const* replacement);
/// Changes the running thread's mask (never SIGKILL, SIGSTOP) and checks what is now deliverable. `before`: signals that
/// were blocked and are kept, whatever their actions, until the next change (sigtimedwait(2)).
void set_blocked(UserThread& thread, SignalMask mask, SignalMask before = 0);
/// sigtimedwait(2): takes one pending signal of `wanted` from the running thread or its process.
std::optional<SignalInfo> take_signal(UserThread& thread, SignalMask wanted);
/// Signals of `signals` are pending for the process, and perhaps only `thread` was woken for them: lets other threads take them.
void pass_on(UserThread& thread, SignalMask signals, SignalLock::Guard const&);
/// Whether the running thread can deliver a signal, whether or not it was chosen for it: then it must do so first.
bool has_to_deliver(UserThread& thread);
/// Signals pending for the thread or its process, blocked or not (sigpending(2)).
SignalMask pending_signals(UserThread const& thread);

/// Called by upcalls::on_return_to_user: delivers pending signals, restarts or ends an interrupted system call. Not empty: the thread
/// must end with this status.
[[nodiscard]] std::optional<int> deliver_signals(TrapFrame& frame);
/// rt_sigreturn(2): restores the frame; returns the value for rax.
u64 signal_return(TrapFrame& frame);
bool signal_pending();
/// True if the running thread is about to die of a pending signal.
bool fatal_signal_pending();
/// The process ends, or another thread calls exec: the thread ends on its return to user mode, and its Fatal sleeps end.
bool is_about_to_end(UserThread const& thread);

/// The stack size that a handler's frame needs (AT_MINSIGSTKSZ).
size_t minimum_signal_stack();

}
