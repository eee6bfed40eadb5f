// SPDX-License-Identifier: MIT
// The end of threads and processes: _exit(2), exit_group(2), death by signal. The last thread releases everything itself, then makes
// the process a zombie and notifies the parent. From then on it owns only its stack.
#include <abi/signal.h>
#include <arch/power.h>
#include <base/log.h>
#include <base/trace.h>

#include <bit>

#include "kernel/process/futex/futex.h"
#include "kernel/process/life/oom.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/signal_steps.h"
#include "kernel/process/signal/terminal_signals.h"
#include "kernel/process/thread_tables.h"
#include "sched/scheduler.h"

namespace process {
namespace {

/// The thread continues on the kernel's page tables only.
void leave_address_space(UserThread& thread) {
    thread.context.space = nullptr;
    mm::AddressSpace::deactivate();
}

/// Releases the memory and the last thread's tables. Locks are held only for the swaps; the work is done with none.
void release_resources(UserThread& thread) {
    Process& process = thread.process();
    Ref<mm::AddressSpace> space;
    Executable executable;
    ResourceUsage memory;
    memory.add_peak(*process.address_space);
    {
        Locked guard(process.signal_lock);
        process.usage.add(memory);
    }
    {
        Locked guard(process.state_lock);
        std::swap(space, process.address_space);
        std::swap(executable, process.executable);
    }
    space.reset();
    release_tables(thread);
}

/// Not analysed: the process has no more threads that could add to it.
ResourceUsage const& usage_of(Process const& ended) NO_THREAD_SAFETY_ANALYSIS { return ended.usage; }

/// The signal that clone(2) asked for. A parent that has called exec since, perhaps with other rights, gets SIGCHLD.
int exit_signal_to(Process const& parent, Process const& child) REQUIRES(tree_lock) {
    return child.parents_program == parent.programs.load(std::memory_order_relaxed) ? child.exit_signal : SIGCHLD;
}

/// The signal for the parent (sigaction(2)).
SignalInfo child_signal(Process const& child, int exit_signal) REQUIRES(tree_lock) {
    SignalInfo info;
    int const signal = child.exit_status & 0x7f;
    info.signal = exit_signal;
    info.code = signal == 0 ? CLD_EXITED : (child.exit_status & 0x80) ? CLD_DUMPED : CLD_KILLED;
    info.status = signal == 0 ? child.exit_status >> 8 : signal;
    info.pid = child.pid().value;
    info.uid = child.credentials.real_uid.value;
    ResourceUsage const& usage = usage_of(child);
    info.set_times(usage.user_ns, usage.system_ns);
    return info;
}

/// Process 1 has ended: the machine powers off.
[[noreturn]] void on_init_exit(int status) {
    int const signal = status & 0x7f;
    if (signal != 0) log_error("process", "init was killed by signal {}; powering off", signal);
    else log_info("process", "init exited with status {}; powering off", status >> 8);
    arch::power_off();
}

/// False: the parent ignores SIGCHLD or has set SA_NOCLDWAIT, so it never waits for the child.
bool is_awaited_by(Process const& parent, int exit_signal) {
    if (exit_signal != SIGCHLD) return true;
    Locked guard(parent.signal_lock);
    SignalAction const& action = parent.handlers->read(SIGCHLD);
    return action.handler != ignore_handler && !(action.flags & SA_NOCLDWAIT);
}

}

Process& ProcessManager::reaper_of(Process const& process) const {
    for (Process* ancestor = process.parent; ancestor; ancestor = ancestor->parent)
        if (ancestor->is_subreaper && ancestor->state.load(std::memory_order_relaxed) == ProcessState::Alive) return *ancestor;
    return *init_;
}

void ProcessManager::become_zombie(Process& process, ProcessList& reaped) {
    Process& parent = *process.parent;
    process.state.store(ProcessState::Zombie, std::memory_order_release);
    process.end_wait.wake_all();
    if (process.report != ChildReport::None) {
        process.report = ChildReport::None;
        --parent.children_reports;
    }
    hand_to_parent(process, reaped);
}

void ProcessManager::hand_to_parent(Process& process, ProcessList& reaped) {
    Process& parent = *process.parent;
    parent.children.erase(parent.children.iterator_to(process));
    int const signal = exit_signal_to(parent, process);
    bool const awaited = is_awaited_by(parent, signal);
    if (awaited) parent.zombies.push_back(process);
    if (signal >= 1 && signal <= signal_count) (void)post_signal(parent, child_signal(process, signal));
    if (!awaited) {
        unlink_reaped(process);
        reaped.push_back(process);
    }
    parent.child_wait.wake_all();
}

/// A thread of the parent has ended: prctl(PR_SET_PDEATHSIG). The child may now have other rights than when it asked.
/// Not analysed: the list of threads changes only with tree_lock held too.
void ProcessManager::tell_of_parents_death(Process const& parent, Process& child) NO_THREAD_SAFETY_ANALYSIS {
    if (!child.asks_parents_death) return;
    SignalMask asked = 0;
    for (UserThread const& thread : child.threads)
        if (thread.parent_death_signal != 0) asked |= mask_of(thread.parent_death_signal);
    for (; asked != 0; asked &= asked - 1) {
        SignalInfo info;
        info.signal = std::countr_zero(asked) + 1;
        info.code = SI_USER;
        info.pid = parent.pid().value;
        info.uid = parent.credentials.real_uid.value;
        if (may_signal(parent, child, info.signal)) (void)post_signal(child, info);
    }
}

namespace {

/// The most children handed over in one hold of tree_lock (interrupts are off).
constexpr u32 handful = 16;

bool is_ending(UserThread const& thread) {
    Locked guard(thread.process().signal_lock);
    return thread.is_ending;
}

}

/// Makes `heir` the maker of a child instead of the thread that made it.
void ProcessManager::leave_made_child(MadeChild& child, UserThread& heir) {
    tell_of_parents_death(child.maker->process(), static_cast<Process&>(child));
    child.maker->made_children.erase(child.maker->made_children.iterator_to(child));
    child.maker = &heir;
    heir.made_children.push_back(child);
}

/// Hands the thread's children to a thread that continues, a handful at a time. The rest, if no thread continues or another ending
/// thread leaves its own here in between, is for leave_process() or leave_children().
void ProcessManager::leave_made_children(UserThread& thread) {
    for (bool has_more = true; has_more;) {
        Locked guard(tree_lock);
        UserThread& heir = heir_of(thread.process());
        if (is_ending(heir)) return;
        u32 room = handful;
        for (; room != 0 && !thread.made_children.empty(); --room) leave_made_child(thread.made_children.front(), heir);
        has_more = room == 0;
    }
}

/// The last thread ends. Once the process has no children it gets no new ones: reaper_of() does not choose a process that is Exiting,
/// and only children make siblings (CLONE_PARENT).
void ProcessManager::leave_children(UserThread& thread) {
    for (bool has_more = true; has_more;) {
        ProcessList reaped;
        {
            Locked guard(tree_lock);
            has_more = leave_some_children(thread, reaped);
        }
        reaped.clear_and_dispose([](Process* child) { child->release_ref(); });
    }
}

/// False: no children are left. While this process has children left in a group, it still ties that group to its session, so the
/// last handful's check finds the orphaned groups.
bool ProcessManager::leave_some_children(UserThread& thread, ProcessList& reaped) {
    Process& process = thread.process();
    if (process.children.empty() && process.zombies.empty()) return false;
    Process& reaper = reaper_of(process);
    UserThread& heir = heir_of(reaper);
    u32 room = handful;
    ProcessList left;
    for (; room != 0 && !process.children.empty(); --room) {
        Process& child = process.children.front();
        leave_made_child(child, heir);
        process.children.pop_front();
        left.push_back(child);
        child.parent = &reaper;
        child.exit_signal = SIGCHLD;
        if (child.report != ChildReport::None) ++reaper.children_reports;
    }
    hang_up_orphans(process, left);
    reaper.children.splice(reaper.children.end(), left);
    for (; room != 0 && !process.zombies.empty(); --room) {
        Process& child = process.zombies.front();
        leave_made_child(child, heir);
        process.zombies.pop_front();
        child.parent = &reaper;
        child.exit_signal = SIGCHLD;
        reaper.children.push_back(child);
        hand_to_parent(child, reaped);
    }
    return room == 0;
}

/// The first thread ends: queries about the process by its number are answered with the thread's last scheduling.
static void remember_scheduling(Process& process, sched::Standing const& standing) REQUIRES(tree_lock) {
    process.last_scheduling = standing.parameters;
    process.last_affinity = standing.affinity;
}

void ProcessManager::end_last_thread(UserThread& thread, int status) {
    Process& process = thread.process();
    TRACE_EVENT(Exit, static_cast<u64>(process.pid().value), static_cast<u64>(status));
    if (process.is_init()) on_init_exit(status);
    process.state.store(ProcessState::Exiting, std::memory_order_relaxed);
    process.timers.end();
    release_resources(thread);
    leave_terminal(process);
    process.release_vfork_parent();
    leave_children(thread);
    ProcessList reaped;
    bool was_victim;
    sched::Standing const standing = sched::scheduler.begin_exit();   // so that a process which learns of the end finds the stack released too
    {
        Locked guard(tree_lock);
        process.exit_status = status;
        hang_up_own_orphans(process);
        {
            Locked signal_guard(process.signal_lock);
            process.threads.erase(process.threads.iterator_to(thread));
            process.thread_count = 0;
            process.usage.add(thread);
            if (process.killed) count_dying(-1);
        }
        if (!thread.is_leader()) remove_task(process);
        if (thread.entry_id.value != 0) pids_.remove(thread);   // the first thread ended before it
        else remember_scheduling(process, standing);
        thread_count_.fetch_sub(1, std::memory_order_relaxed);
        become_zombie(process, reaped);
        was_victim = process.oom_victim;
    }
    if (was_victim) oom_victim_is_gone();
    reaped.clear_and_dispose([](Process* child) { child->release_ref(); });
    sched::scheduler.exit_current();
}

namespace {

/// Whether no other thread is left, as far as the thread itself can know. Not analysed: only threads of the process add new ones.
bool is_only_thread(Process const& process) NO_THREAD_SAFETY_ANALYSIS { return process.thread_count == 1; }

/// From now on signals to the process go to other threads, including those for which perhaps only this thread was woken.
void leave_signals(UserThread& thread) {
    Process& process = thread.process();
    bool completes_stop;
    {
        Locked guard(process.signal_lock);
        thread.is_ending = true;
        if (thread.has_signal()) pass_on(thread, ~thread.blocked, guard);
        completes_stop = leave_stop(thread, guard);
    }
    if (completes_stop) report_stop(process);
}

}

/// Removes a thread from its process. False: it is the last, and stays. `status` becomes the process's, if that is decided.
bool ProcessManager::leave_process(UserThread& thread, int& status) {
    Process& process = thread.process();
    Locked guard(tree_lock);
    {
        Locked signal_guard(process.signal_lock);
        if (process.group_exit) status = process.group_exit_status;
        if (process.thread_count == 1) return false;
        process.threads.erase(process.threads.iterator_to(thread));
        process.timers.forget_thread(thread);
        --process.thread_count;
        process.usage.add(thread);
        if (process.execing) process.stop_wait.wake_all();
    }
    thread_count_.fetch_sub(1, std::memory_order_relaxed);
    if (!thread.is_leader()) remove_task(process);
    if (thread.entry_id.value != 0) pids_.remove(thread);
    else remember_scheduling(process, sched::scheduler.standing(thread));
    while (!thread.made_children.empty()) leave_made_child(thread.made_children.front(), heir_of(process));
    return true;
}

/// A thread that is not ending, if there is one. Not analysed: the list changes only with tree_lock held too.
UserThread& ProcessManager::heir_of(Process& process) const NO_THREAD_SAFETY_ANALYSIS {
    for (UserThread& thread : process.threads)
        if (!thread.is_ending) return thread;
    return process.threads.front();
}

void ProcessManager::exit_thread(int status) {
    UserThread& thread = current_user_thread();
    if (!is_only_thread(thread.process())) leave_signals(thread);
    release_thread_words(thread);
    leave_address_space(thread);
    // Done before the process can be seen to have ended, so that this thread's own descriptors are closed by then.
    if (!is_only_thread(thread.process())) {
        release_tables(thread);
        leave_made_children(thread);
    }
    if (!leave_process(thread, status)) end_last_thread(thread, status);
    sched::scheduler.exit_current();
}

void ProcessManager::exit_group(int status) {
    UserThread& thread = current_user_thread();
    {
        Locked guard(thread.process().signal_lock);
        end_threads(thread.process(), &thread, status, guard);
    }
    exit_thread(status);
}

}
