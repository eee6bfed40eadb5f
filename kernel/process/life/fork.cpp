// SPDX-License-Identifier: MIT
// clone(2), and with it fork and vfork. Everything that can fail comes first, on an object that nobody else sees;
// link_process() makes it visible at once, under tree_lock.
#include <abi/signal.h>
#include <base/trace.h>

#include <algorithm>

#include <asm/resource.h>
#include <linux/sched.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/signal/signal_steps.h"
#include "kernel/process/thread_tables.h"
#include "mm/user/user_access.h"
#include "sched/clock.h"
#include "sched/scheduler.h"

namespace process {
namespace {

// Some have no effect here: nothing is traced, and there is no I/O context to share.
constexpr u64 accepted_flags = CSIGNAL | CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_VFORK | CLONE_PARENT |
                               CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |
                               CLONE_DETACHED | CLONE_UNTRACED | CLONE_CHILD_SETTID | CLONE_IO | CLONE_PTRACE |
                               CLONE_CLEAR_SIGHAND;

Result<> check(CloneRequest const& request) {
    u64 const flags = request.flags;
    if (flags & ~accepted_flags) return fail(EINVAL);
    if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM)) return fail(EINVAL);
    if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND)) return fail(EINVAL);
    if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND)) return fail(EINVAL);
    // A sibling of init would have no parent.
    if ((flags & CLONE_PARENT) && current_process().is_init()) return fail(EINVAL);
    if ((flags & CLONE_SETTLS) && request.tls >= arch::user_space_end) return fail(EPERM);
    return {};
}

/// The registers of the new thread: the caller's, with 0 as the result and perhaps another stack and TLS.
void prepare_context(UserThread& child, UserThread& parent, CloneRequest const& request, TrapFrame frame) {
    frame.rax = 0;
    frame.vector_or_syscall = ~u64{0};
    if (request.stack != 0) frame.rsp = request.stack;
    arch::fpu_save_current(parent.context);
    std::copy_n(reinterpret_cast<u64 const*>(parent.context.fpu), arch::fpu_area_size() / sizeof(u64),
                reinterpret_cast<u64*>(child.context.fpu));
    child.context.fs_base = (request.flags & CLONE_SETTLS) ? request.tls : arch::get_fs_base(parent.context);
    child.context.gs_base = arch::get_gs_base(parent.context);
    arch::prepare_user_thread(child.context, frame);
}

void inherit(UserThread& child, UserThread& parent, CloneRequest const& request) {
    child.set_name(parent.name);
    child.personality = parent.personality;
    child.blocked = parent.blocked;
    child.fault = parent.fault;
    sched::its_run_queue.not_needed();
    child.set_own(sched::inherited(sched::scheduler.parameters(parent)));
    child.allowed_cpus = parent.allowed_cpus;
    bool const shares_stack_area = (request.flags & (CLONE_VM | CLONE_VFORK)) == CLONE_VM;
    if (!shares_stack_area) child.alternate_stack = parent.alternate_stack;
    if (request.flags & CLONE_CHILD_CLEARTID) child.clear_child_tid = UserAddr(request.child_tid);
}

/// Not analysed: no lock of the child is taken, since nobody else knows it.
Result<> share_or_copy(Process& child, Process& parent, u64 flags) NO_THREAD_SAFETY_ANALYSIS {
    child.handlers = (flags & CLONE_CLEAR_SIGHAND) ? TRY(reset_handlers(parent)) : TRY(inherit_handlers(parent, flags & CLONE_SIGHAND));
    child.address_space = (flags & CLONE_VM) ? parent.address_space : TRY(parent.address_space->fork());
    {
        Locked guard(parent.limits_lock);
        child.limits = parent.limits;
    }
    // The limits that the address space has copied may be older.
    if (!(flags & CLONE_VM)) child.address_space->set_limits(child.memory_limits());
    child.timers.set_cpu_limit(child.limits[RLIMIT_CPU]);
    child.executable = parent.executable;
    return {};
}

void inherit(Process& child, Process& parent, CloneRequest const& request) {
    child.credentials = parent.copy_credentials();
    child.set_name(parent.name());
    child.auxiliary_vector = parent.auxiliary_vector;
    child.dumpable = parent.dumpable.load();
    child.no_new_privileges = parent.no_new_privileges.load();
    child.oom_score_adjustment = parent.oom_score_adjustment.load();
    child.start_time_ns = sched::clock.monotonic_ns();
    child.vfork_done.store(!(request.flags & CLONE_VFORK), std::memory_order_relaxed);
}

/// CLONE_PARENT_SETTID, CLONE_CHILD_SETTID: faults are ignored, as in Linux.
void write_tids(Process& child, Pid tid, CloneRequest const& request) {
    i32 const value = tid.value;
    if (request.flags & CLONE_PARENT_SETTID) (void)mm::UserPtr<i32>(request.parent_tid).write(value);
    if (request.flags & CLONE_CHILD_SETTID)
        (void)child.address_space->write(UserAddr(request.child_tid), std::as_bytes(std::span(&value, 1)));
}

/// Waits until the child of a vfork has called exec or ended, or the caller itself must end: then it never again runs in the memory
/// that both share.
void wait_for_release(Process& child) {
    auto const released = [&] { return child.vfork_done.load(std::memory_order_acquire); };
    (void)child.vfork_wait.wait(released, sched::Interruptible::Fatal);
}

}

/// Some room is kept for privileged processes, whatever ordinary users take; the last of it for init and privileged session
/// leaders: root's shell can still fork to end a fork bomb of root's own.
bool ProcessManager::has_room_for_thread(Process const& caller, TreeGuard const&) const {
    constexpr u32 for_leaders = 16;
    bool const privileged = caller.credentials.is_privileged();
    bool const leads = caller.is_init() || caller.session == caller.pid();
    u32 const kept = !privileged ? thread_limit_ / 32 + 2 * for_leaders : leads ? 0 : for_leaders;
    return thread_count_.load(std::memory_order_relaxed) + kept < thread_limit_;
}

/// An UnbornChild in its parent's list, from before the child is made until it is in its group; entered under tree_lock.
class ProcessManager::Birth : public UnbornChild {
public:
    Birth() = default;
    ~Birth() {
        if (!is_listed_) return;
        Locked guard(tree_lock);
        end(guard);
    }
    Birth(Birth const&) = delete;
    void begin(TreeGuard const&) REQUIRES(tree_lock) {
        current_process().unborn_children.push_back(*this);
        is_listed_ = true;
    }
    void end(TreeGuard const&) REQUIRES(tree_lock) {
        current_process().unborn_children.erase(current_process().unborn_children.iterator_to(*this));
        is_listed_ = false;
    }
private:
    bool is_listed_ = false;
};

/// Signals that came to the group while the child was made become the child's; their information is not kept, as in Linux.
/// Not analysed: the child's lock is not taken, since nobody else knows it.
static void take_signals_of_group(Process& child, UserThread& thread, SignalMask signals) NO_THREAD_SAFETY_ANALYSIS {
    for (; signals != 0; signals &= signals - 1) {
        SignalInfo info;
        info.signal = std::countr_zero(signals) + 1;
        (void)child.shared_pending.add(info, nullptr);
        thread.return_work.store(return_work::signal, std::memory_order_relaxed);
    }
}

Result<> ProcessManager::link_process(Process& child, UserThread& thread, CloneRequest const& request, Birth& birth) {
    Process& caller = current_process();
    Ref<fs::User> payer = child.credentials.user;
    Locked guard(tree_lock);
    child.swap_payer(payer);
    // The child is killed with its parent. Other signals do not undo the work: `birth` has those that are the child's too.
    if (fatal_signal_pending()) return fail(restart_no_intr);
    if (!has_room_for_thread(caller, guard)) return fail(EAGAIN);
    if (!add_task(child, caller)) return fail(EAGAIN);
    if (!pids_.add_with_new_number(child)) {
        remove_task(child);
        return fail(EAGAIN);
    }
    thread.tid = child.pid();
    thread.number = static_cast<u32>(thread.tid.value);
    child.exit_signal = request.exit_signal;
    child.least_oom_adjustment = caller.least_oom_adjustment;
    adopt(child, request.flags & CLONE_PARENT);
    child.controlling_terminal = caller.controlling_terminal;
    join_group(child, *caller.group_object);
    birth.end(guard);
    take_signals_of_group(child, thread, birth.signals);
    add_first_thread(child, thread);
    tell_walks_of_birth(child, caller);
    return {};
}

/// A sibling's end is reported like the caller's own: with the signal that their parent asked for, not one of the caller's choice.
void ProcessManager::adopt(Process& child, bool as_sibling) {
    Process& caller = current_process();
    child.parent = as_sibling ? caller.parent : &caller;
    child.maker = as_sibling ? caller.maker : &current_user_thread();
    if (as_sibling) child.exit_signal = caller.exit_signal;
    child.parents_program = as_sibling ? caller.parents_program : caller.programs.load(std::memory_order_relaxed);
    child.parent->children.push_back(child);
    child.maker->made_children.push_back(child);
}

/// Not analysed: signal_lock is not taken, since nobody can have found the process yet.
void ProcessManager::add_first_thread(Process& process, UserThread& thread) NO_THREAD_SAFETY_ANALYSIS {
    process.threads.push_back(thread);
    process.thread_count = 1;
    process_count_.fetch_add(1, std::memory_order_relaxed);
    thread_count_.fetch_add(1, std::memory_order_relaxed);
    process.serial = forks_.fetch_add(1, std::memory_order_relaxed) + 1;
    process.acquire_ref();   // the tree's reference, dropped by the reaper
}

Result<Pid> ProcessManager::clone_process(CloneRequest const& request, TrapFrame const& frame, Birth& birth) {
    UserThread& parent_thread = current_user_thread();
    Process& parent = parent_thread.process();
    auto child = TRY(mm::make_ref<Process>());
    auto thread = TRY(UserThread::create(child));
    TRY(share_or_copy(*child, parent, request.flags));
    TRY(share_or_copy_tables(*thread, parent_thread, request.flags));
    inherit(*child, parent, request);
    inherit(*thread, parent_thread, request);
    prepare_context(*thread, parent_thread, request, frame);
    thread->context.space = &child->address_space->tlb_space();
    TRY(link_process(*child, *thread, request, birth));
    Pid const pid = child->pid();
    TRACE_EVENT(Fork, static_cast<u64>(parent.pid().value), static_cast<u64>(pid.value));
    write_tids(*child, pid, request);
    sched::scheduler.start(*thread.leak());
    if (request.flags & CLONE_VFORK) wait_for_release(*child);
    return pid;
}

Result<Pid> ProcessManager::clone_thread(CloneRequest const& request, TrapFrame const& frame) {
    UserThread& parent = current_user_thread();
    Process& process = parent.process();
    auto thread = TRY(UserThread::create(Ref<Process>::share(&process)));
    TRY(share_or_copy_tables(*thread, parent, request.flags));
    inherit(*thread, parent, request);
    prepare_context(*thread, parent, request, frame);
    thread->context.space = &process.address_space->tlb_space();
    {
        Locked guard(tree_lock);
        Locked signal_guard(process.signal_lock);
        if (process.group_exit || process.execing || parent.has_signal()) return fail(restart_no_intr);
        if (!has_room_for_thread(process, guard) || !add_task(process, process)) return fail(EAGAIN);
        if (!pids_.add_with_new_number(*thread)) {
            remove_task(process);
            return fail(EAGAIN);
        }
        thread->tid = thread->entry_id;
        thread->number = static_cast<u32>(thread->tid.value);
        process.threads.push_back(*thread);
        ++process.thread_count;
        thread_count_.fetch_add(1, std::memory_order_relaxed);
        forks_.fetch_add(1, std::memory_order_relaxed);
    }
    Pid const tid = thread->tid;
    write_tids(process, tid, request);
    sched::scheduler.start(*thread.leak());
    return tid;
}

Result<Pid> ProcessManager::clone_once(CloneRequest const& request, TrapFrame const& frame) {
    Birth birth;
    bool const is_thread = request.flags & CLONE_THREAD;
    {
        // Checked again when it counts; the check here saves a full machine the work for a child that cannot be.
        Locked guard(tree_lock);
        if (!has_room_for_thread(current_process(), guard)) return fail(EAGAIN);
        if (!is_thread) birth.begin(guard);
    }
    // Signals sent before are only the caller's, and come first: one may end the caller, and then there must be no child.
    if (has_to_deliver(current_user_thread())) return fail(restart_no_intr);
    return is_thread ? clone_thread(request, frame) : clone_process(request, frame, birth);
}

Result<Pid> ProcessManager::clone(CloneRequest const& request, TrapFrame const& frame) {
    TRY(check(request));
    // If many processes were just killed, let them exit before failing: they only need the CPU.
    constexpr int most_turns = 64;
    for (int turn = 0;; ++turn) {
        auto const result = clone_once(request, frame);
        bool const is_full = !result && (result.error() == Errno(EAGAIN) || result.error() == Errno(ENOMEM));
        if (result) current_user_thread().has_too_many_tasks = false;
        if (!is_full || turn == most_turns || dying_.load(std::memory_order_relaxed) == 0) return result;
        sched::scheduler.yield();
    }
}

}
