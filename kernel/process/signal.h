// SPDX-License-Identifier: MIT
// Signals: pending sets, handlers, delivery. signal(7), sigaction(2). A signal sets the
// return_work flag of a thread, which delivers it on its way back to user mode.
// Lock order: tree_lock, Process::signal_lock.
#pragma once

#include <array>
#include <optional>

#include <arch/context.h>
#include <arch/spin_lock.h>
#include <base/intrusive.h>
#include <base/ref.h>
#include <base/result.h>

#include "kernel/fs/user.h"
#include "mm/slab.h"

namespace process {

class Process;
class UserThread;
using SignalLock = SpinLock<LockRank::signal, InterruptsOff>;

/// Like base/result.h's restart_…: go on through restart_syscall(2), with what UserThread's restart block says.
inline constexpr int restart_by_block = 516;

inline constexpr int signal_count = 64;
inline constexpr int first_realtime_signal = 32;         ///< from here on signals queue
using SignalMask = u64;                                  ///< bit n-1: signal n
constexpr SignalMask mask_of(int signal) { return SignalMask{1} << (signal - 1); }

/// What siginfo_t says, before it is laid out for the program.
struct SignalInfo {
    int signal = 0, code = 0, error = 0;
    i32 pid = 0; u32 uid = 0;                            ///< SI_USER, SIGCHLD
    int status = 0;                                      ///< SIGCHLD
    u64 address = 0;                                     ///< SIGSEGV, SIGBUS, SIGILL, SIGFPE; SIGCHLD: clock ticks in user mode
    u64 value = 0;                                       ///< sigqueue; SIGCHLD: clock ticks in the kernel
    /// Of SIGCHLD's process.
    void set_times(u64 user_ns, u64 system_ns) {
        constexpr u64 ns_per_tick = ns_per_s / 100;      // USER_HZ
        address = user_ns / ns_per_tick;
        value = system_ns / ns_per_tick;
    }
    class PosixTimer* timer = nullptr;                   ///< who sent it; only between taking it and looking at the timer
};

class PendingSignals;

/// A queued signal that found no slot. Counted for RLIMIT_SIGPENDING, by user (signal_nodes.cpp).
struct SignalNode {
    explicit SignalNode(fs::Charge charge) : charge_(std::move(charge)) {}
    SignalNode(SignalNode const&) = delete;
    /// Null if the target's user has as many as the target may have, or no memory is left.
    static SignalNode* make(Process const& target);
    /// As make() counts; empty: there is no room. For a node that is part of something else.
    static std::optional<fs::Charge> charge(Process const& target);
    /// It counts no more, though it is still there. Any context.
    void settle() { charge_.settle(); }

    SignalInfo info;
    base::ListHook hook;
    PosixTimer* timer = nullptr;                         ///< whose part it is; then nobody frees it
    PendingSignals* in = nullptr;                        ///< of a timer's: where it is queued
    bool was_ignored = false;                            ///< of a timer's: its signal was discarded
    MM_OBJECT_CACHE(SignalNode)
private:
    fs::Charge charge_;
};

/// Nodes on their way to the heap: declare it before the lock's guard, so that it dies after it.
class SignalNodes {
public:
    SignalNodes() = default;
    ~SignalNodes() { if (!list_.empty()) [[unlikely]] delete_all(); }
    SignalNodes(SignalNodes const&) = delete;
    using List = base::List<SignalNode, &SignalNode::hook>;
    void add(SignalNode& node) { list_.push_back(node); }
    void remove(SignalNode& node) { list_.erase(list_.iterator_to(node)); }
    void take_all(List& other) { list_.splice(list_.end(), other); }
    /// Null: there is none.
    SignalNode* take() {
        if (list_.empty()) return nullptr;
        SignalNode& node = list_.front();
        list_.pop_front();
        return &node;
    }
private:
    void delete_all();
    List list_;
};

/// Signals sent and not yet taken. Two of the standard signals keep their information in place,
/// so that the usual send allocates nothing; others need a node, or lose it (as in Linux).
class PendingSignals {
public:
    PendingSignals() = default;
    ~PendingSignals();
    PendingSignals(PendingSignals const&) = delete;

    SignalMask set = 0;

    /// `node`: room for the information; null is allowed. True if the node was used.
    bool add(SignalInfo const& info, SignalNode* node);
    /// A timer's own node: queued whatever else of its number is pending.
    void add_timer(SignalNode& node);
    void remove_timer(SignalNode& node);
    /// Takes the oldest signal `signal`, whose bit is set.
    SignalInfo take(int signal, SignalNodes& used);
    /// Forgets all of `mask`. Its nodes go to `gone`; null: nothing may be freed now (tree_lock is held), and
    /// they stay until the next one who may. Nodes come only from those who may.
    void discard(SignalMask mask, SignalNodes* gone);
    void take_discarded(SignalNodes& gone) { gone.take_all(discarded_); }
    bool wants_node(int signal) const { return signal >= first_realtime_signal || (slots_[0].signal != 0 && slots_[1].signal != 0); }
    u32 queued() const { return queued_; }

private:
    SignalNodes::List queue_, discarded_;
    u32 queued_ = 0;
    std::array<SignalInfo, 2> slots_{};                  ///< signal 0: free
};

/// The kernel's struct sigaction of x86-64 (rt_sigaction(2)).
struct SignalAction { u64 handler = 0; u64 flags = 0; u64 restorer = 0; SignalMask mask = 0; };

/// What a process does with each signal. fork shares the table, and whoever changes an action while
/// others share it takes a copy first. GUARDED_BY the process's signal_lock, with its pointer.
/// But processes may have one in common (CLONE_SIGHAND): they change it for all of them, under common_lock. Then a single word may be
/// read under one's own signal_lock, a whole action by read().
struct SignalHandlers : RefCounted<SignalHandlers> {
    constexpr SignalHandlers() = default;
    std::array<SignalAction, signal_count> actions{};    ///< index signal - 1
    bool is_common = false;                              ///< set before others know of it, for good
    mutable SpinLock<LockRank::leaf, InterruptsOff> common_lock;
    SignalAction& of(int signal) { return actions[signal - 1]; }
    SignalAction const& of(int signal) const { return actions[signal - 1]; }
    SignalAction read(int signal) const {
        if (!is_common) [[likely]] return of(signal);
        decltype(common_lock)::Guard guard(common_lock);
        return of(signal);
    }
    /// read(), and its handler is the default one from now on (SA_RESETHAND): of two who are told to, one gets it.
    SignalAction take_once(int signal) {
        if (!is_common) [[likely]] return take_once_locked(signal);
        decltype(common_lock)::Guard guard(common_lock);
        return take_once_locked(signal);
    }
    void write(int signal, SignalAction const& action) {
        if (!is_common) [[likely]] return (void)(of(signal) = action);
        decltype(common_lock)::Guard guard(common_lock);
        of(signal) = action;
    }
    MM_OBJECT_CACHE(SignalHandlers)
private:
    SignalAction take_once_locked(int signal) {
        SignalAction const old = of(signal);
        of(signal).handler = 0;                          // SIG_DFL
        return old;
    }
};

/// sigaltstack(2).
struct AlternateStack {
    static constexpr u32 disable = 2, auto_disarm = u32{1} << 31;   ///< SS_DISABLE, SS_AUTODISARM
    u64 address = 0, size = 0;
    u32 flags = disable;                                 ///< as the program gave them
    bool contains(u64 rsp) const { return rsp > address && rsp - address <= size; }
    /// With SS_AUTODISARM the stack is nobody's while a handler is on it.
    bool is_in_use(u64 rsp) const { return size != 0 && !(flags & auto_disarm) && contains(rsp); }
};

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
using SignalInfoBytes = std::array<std::byte, 128>;
/// Lays out the siginfo_t of signal(2) handlers, sigtimedwait and waitid: 128 bytes.
void encode_signal_info(SignalInfo const& info, SignalInfoBytes& out);

/// From upcalls::on_return_to_user: delivers what is pending, restarts or ends a system call, exits.
void deliver_signals(TrapFrame& frame);
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
