// SPDX-License-Identifier: MIT
// The table of all processes: lookup by number, and the limits of numbers. A found process is returned with a reference, since
// tree_lock is free again when the caller uses it.
#include "kernel/process/process_manager.h"

#include "sched/scheduler.h"

namespace process {

constinit TreeLock tree_lock;
constinit ProcessManager process_manager;

Result<sched::Thread*> ProcessManager::create(std::string_view name, void (*entry)(void*), int priority, void* argument) {
    return sched::scheduler.create_kernel_thread(name, entry, argument, priority);
}

Ref<Process> ProcessManager::find(Pid pid) {
    Locked guard(tree_lock);
    return Ref<Process>::share(static_cast<Process*>(pids_.find(pid, PidKind::Process)));
}

std::pair<Ref<Process>, bool> ProcessManager::find_thread(Pid tid) {
    Locked guard(tree_lock);
    if (auto* process = static_cast<Process*>(pids_.find(tid, PidKind::Process))) return {Ref<Process>::share(process), false};
    if (auto* thread = static_cast<UserThread*>(pids_.find(tid, PidKind::Thread))) return {Ref<Process>::share(&thread->process()), true};
    return {Ref<Process>(), false};
}

/// The thread with the number. `thread` is null if the process's first thread has ended before the others: its number is still
/// valid.
ProcessManager::ThreadByNumber ProcessManager::thread_of(Pid tid) {
    if (auto* thread = static_cast<UserThread*>(pids_.find(tid, PidKind::Thread))) return {&thread->process(), thread};
    auto* const process = static_cast<Process*>(pids_.find(tid, PidKind::Process));
    return {process, process ? first_thread(*process) : nullptr};
}

/// Null: it has ended. Not analysed: the list changes only with tree_lock held too. The thread with the process's number is the
/// first of the list.
UserThread* ProcessManager::first_thread(Process& process) const NO_THREAD_SAFETY_ANALYSIS {
    if (process.threads.empty() || !process.threads.front().is_leader()) return nullptr;
    return &process.threads.front();
}

Ref<Process> ProcessManager::find_after(Pid pid) {
    Locked guard(tree_lock);
    return Ref<Process>::share(static_cast<Process*>(pids_.next_process(pid)));
}

/// Not analysed: the list of threads changes only with tree_lock held too.
void ProcessManager::forget_parents_death(Process& process) NO_THREAD_SAFETY_ANALYSIS {
    Locked guard(tree_lock);
    if (!process.asks_parents_death) return;
    for (UserThread& thread : process.threads) thread.parent_death_signal = 0;
}

i32 ProcessManager::pid_limit() const {
    Locked guard(tree_lock);
    return pids_.limit();
}

void ProcessManager::set_pid_limit(i32 limit) {
    Locked guard(tree_lock);
    pids_.set_limit(limit);
}

Result<> ProcessManager::set_last_pid(Pid last) {
    Locked guard(tree_lock);
    return pids_.set_last_given(last) ? Result<>() : fail(EINVAL);
}

Pid ProcessManager::last_pid() const {
    Locked guard(tree_lock);
    return pids_.last_given();
}

}
