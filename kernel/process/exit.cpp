// SPDX-License-Identifier: MIT
// The end of threads and processes: _exit(2), exit_group(2), death by signal. The last thread
// gives everything back itself, becomes a zombie and tells the parent; then it only has its stack.
#include <abi/signal.h>
#include <arch/power.h>
#include <base/log.h>
#include <base/trace.h>

#include "kernel/process/futex.h"
#include "kernel/process/oom.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/signal_action.h"
#include "kernel/process/thread_tables.h"
#include "kernel/process/terminal_signals.h"
#include "sched/scheduler.h"

namespace process {
namespace {

using SignalGuard = decltype(Process::signal_lock)::Guard;

/// The thread runs on with the kernel's page tables alone.
void leave_address_space(UserThread& thread) {
    thread.context.space = nullptr;
    mm::AddressSpace::deactivate();
}

/// Gives memory back, and what is left of the last thread. The swaps are short; the work is done with no lock held.
void release_resources(UserThread& thread) {
    Process& process = thread.process();
    Ref<mm::AddressSpace> space;
    Executable executable;
    ResourceUsage memory;
    memory.add_peak(*process.address_space);
    {
        SignalGuard guard(process.signal_lock);
        process.usage.add(memory);
    }
    {
        decltype(process.state_lock)::Guard guard(process.state_lock);
        std::swap(space, process.address_space);
        std::swap(executable, process.executable);
    }
    space.reset();
    process.semaphore_undos.apply(process.pid());
    release_tables(thread);
}

/// SIGCHLD's content (sigaction(2)).
SignalInfo child_signal(Process const& child) {
    SignalInfo info;
    int const signal = child.exit_status & 0x7f;
    info.signal = child.exit_signal;
    info.code = signal == 0 ? CLD_EXITED : (child.exit_status & 0x80) ? CLD_DUMPED : CLD_KILLED;
    info.status = signal == 0 ? child.exit_status >> 8 : signal;
    info.pid = child.pid().value;
    info.uid = child.credentials.real_uid.value;
    return info;
}

/// A parent that ignores SIGCHLD, or says SA_NOCLDWAIT, never waits for it.
bool is_awaited_by(Process const& parent, int exit_signal) {
    if (exit_signal != SIGCHLD) return true;
    SignalGuard guard(parent.signal_lock);
    SignalAction const& action = parent.handlers->of(SIGCHLD);
    return action.handler != ignore_handler && !(action.flags & SA_NOCLDWAIT);
}

}

void release_vfork_parent(Process& process) {
    if (process.vfork_done.exchange(true, std::memory_order_release)) return;
    process.vfork_wait.wake_all();
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
    bool const awaited = is_awaited_by(parent, process.exit_signal);
    if (awaited) parent.zombies.push_back(process);
    // clone(2) takes any number; those that are no signals say nothing.
    if (process.exit_signal > 0 && process.exit_signal <= signal_count) post_signal(parent, child_signal(process));
    if (!awaited) {
        unlink_reaped(process);
        reaped.push_back(process);
    }
    parent.child_wait.wake_all();
}

void ProcessManager::leave_children(Process& process, ProcessList& reaped) {
    if (process.children.empty() && process.zombies.empty()) return;
    Process& reaper = reaper_of(process);
    for (Process& child : process.children) {
        child.parent = &reaper;
        child.exit_signal = SIGCHLD;
        if (child.report != ChildReport::None) ++reaper.children_reports;
        SignalInfo info;
        info.signal = child.parent_death_signal;
        info.pid = process.pid().value;
        if (info.signal != 0) post_signal(child, info);
    }
    reaper.children.splice(reaper.children.end(), process.children);
    while (!process.zombies.empty()) {
        Process& child = process.zombies.front();
        process.zombies.pop_front();
        child.parent = &reaper;
        child.exit_signal = SIGCHLD;
        reaper.children.push_back(child);
        hand_to_parent(child, reaped);
    }
}

void ProcessManager::end_last_thread(UserThread& thread, int status) {
    Process& process = thread.process();
    TRACE_EVENT(Exit, static_cast<u64>(process.pid().value), static_cast<u64>(status));
    if (process.is_init()) on_init_exit(status);
    process.state.store(ProcessState::Exiting, std::memory_order_relaxed);
    process.timers.end();
    release_resources(thread);
    leave_terminal(process);
    release_vfork_parent(process);
    ProcessList reaped;
    bool was_victim;
    sched::scheduler.begin_exit();   // so that who learns of the end finds the stack given back too
    {
        TreeGuard guard(tree_lock);
        process.exit_status = status;
        leave_children(process, reaped);
        {
            SignalGuard signal_guard(process.signal_lock);
            process.threads.erase(process.threads.iterator_to(thread));
            process.thread_count = 0;
            process.usage.add(thread);
            if (process.killed) count_dying(-1);
        }
        if (!thread.is_leader()) remove_task(process);
        if (thread.entry_id.value != 0) pids_.remove(thread);   // the first thread ended before it
        thread_count_.fetch_sub(1, std::memory_order_relaxed);
        become_zombie(process, reaped);
        was_victim = process.oom_victim;
    }
    if (was_victim) oom_victim_is_gone();
    reaped.clear_and_dispose([](Process* child) { child->release_ref(); });
    sched::scheduler.exit_current();
}

void ProcessManager::exit_thread(int status) {
    UserThread& thread = current_user_thread();
    Process& process = thread.process();
    release_thread_words(thread);
    leave_address_space(thread);
    // Before the process can be seen to have ended: descriptors that are this thread's own are closed by then.
    if (process.has_several_threads()) release_tables(thread);
    bool last;
    {
        TreeGuard guard(tree_lock);
        SignalGuard signal_guard(process.signal_lock);
        if (process.group_exit) status = process.group_exit_status;
        last = process.thread_count == 1;
        if (!last) {
            process.threads.erase(process.threads.iterator_to(thread));
            process.timers.forget_thread(thread.pending);
            --process.thread_count;
            process.usage.add(thread);
            thread_count_.fetch_sub(1, std::memory_order_relaxed);
            if (!thread.is_leader()) remove_task(process);
            if (thread.entry_id.value != 0) pids_.remove(thread);
            if (process.execing) process.stop_wait.wake_all();
        }
    }
    if (last) end_last_thread(thread, status);
    sched::scheduler.exit_current();
}

void ProcessManager::exit_group(int status) {
    UserThread& thread = current_user_thread();
    end_other_threads(thread, status);
    exit_thread(status);
}

void ProcessManager::end_other_threads(UserThread& thread, int status) {
    Process& process = thread.process();
    SignalGuard guard(process.signal_lock);
    if (process.group_exit) return;
    process.group_exit = true;
    process.group_exit_status = status;
    for (UserThread& other : process.threads) {
        if (&other == &thread) continue;
        other.return_work.fetch_or(return_work::exit, std::memory_order_relaxed);
        sched::scheduler.wake_to_end(other);
    }
    process.stop_wait.wake_all();
}

void on_init_exit(int status) {
    int const signal = status & 0x7f;
    if (signal != 0) log_error("process", "init was killed by signal {}; powering off", signal);
    else log_info("process", "init exited with status {}; powering off", status >> 8);
    arch::power_off();
}

}
