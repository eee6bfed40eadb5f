// SPDX-License-Identifier: MIT
// Process groups and sessions: setpgid(2), setsid(2). Groups are objects, so that signalling one costs O(its members). tree_lock
// guards all of it. A group exists while it has members, a session while it has groups.
#include "kernel/process/process_manager.h"

namespace process {

void ProcessManager::join_group(Process& process, ProcessGroup& group) {
    process.group_object = &group;
    process.group = group.entry_id;
    process.session = group.session->entry_id;
    group.members.push_back(process);
}

void ProcessManager::leave_group(Process& process, Remains& remains) {
    ProcessGroup& group = *process.group_object;
    group.members.erase(group.members.iterator_to(process));
    process.group_object = nullptr;
    if (!group.members.empty()) return;
    pids_.remove(group);
    remains.group = &group;
    if (--group.session->groups != 0) return;
    pids_.remove(*group.session);
    remains.session = group.session;
}

Result<base::HeldPid> ProcessManager::hold_group(Pid group, Pid session) {
    Locked guard(tree_lock);
    if (!pids_.is_known(group)) return fail(ESRCH);
    Pid of;
    if (auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group))) of = found->session->entry_id;
    else if (auto* process = static_cast<Process*>(pids_.find(group, PidKind::Process))) of = process->session;
    else if (auto* thread = static_cast<UserThread*>(pids_.find(group, PidKind::Thread))) of = thread->process().session;
    if (of != session) return fail(EPERM);
    return base::HeldPid::hold(group);
}

Result<> ProcessManager::check_set_group(Process const& caller, Process const& target, Pid group) const {
    if (&target != &caller) {
        if (target.parent != &caller) return fail(ESRCH);
        if (target.session != caller.session) return fail(EPERM);
        if (target.has_executed) return fail(EACCES);
    }
    if (target.session == target.pid()) return fail(EPERM);
    if (group == target.pid()) return {};
    auto* existing = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
    if (!existing || existing->session->entry_id != caller.session) return fail(EPERM);
    return {};
}

Result<> ProcessManager::set_group(Pid pid, Pid group) {
    Process& caller = current_process();
    if (group.value < 0) return fail(EINVAL);
    Remains remains;
    mm::Owned<ProcessGroup> fresh(TRY(mm::make<ProcessGroup>()));
    Locked guard(tree_lock);
    auto* target = pid.value == 0 ? &caller : static_cast<Process*>(pids_.find(pid, PidKind::Process));
    if (!target) return fail(ESRCH);
    if (group.value == 0) group = target->pid();
    TRY(check_set_group(caller, *target, group));
    if (target->group == group) return {};
    auto* wanted = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
    if (!wanted) {
        wanted = fresh.leak();
        wanted->session = target->group_object->session;
        ++wanted->session->groups;
        pids_.add(*wanted, group);
    }
    leave_group(*target, remains);
    join_group(*target, *wanted);
    return {};
}

Result<Pid> ProcessManager::get_group(Pid pid) {
    Locked guard(tree_lock);
    if (pid.value == 0) return current_process().group;
    auto* found = static_cast<Process*>(pids_.find(pid, PidKind::Process));
    if (!found) return fail(ESRCH);
    return found->group;
}

Result<Pid> ProcessManager::get_session(Pid pid) {
    Locked guard(tree_lock);
    if (pid.value == 0) return current_process().session;
    auto* found = static_cast<Process*>(pids_.find(pid, PidKind::Process));
    if (!found) return fail(ESRCH);
    return found->session;
}

Result<Pid> ProcessManager::new_session() {
    Process& caller = current_process();
    Remains remains;
    mm::Owned<ProcessGroup> group(TRY(mm::make<ProcessGroup>()));
    mm::Owned<Session> session(TRY(mm::make<Session>()));
    Locked guard(tree_lock);
    // A group with the caller's number may still exist after its leader has left it (by setpgid).
    if (pids_.find(caller.pid(), PidKind::Group)) return fail(EPERM);
    leave_group(caller, remains);
    pids_.add(*session, caller.pid());
    pids_.add(*group, caller.pid());
    session->groups = 1;
    group->session = session.leak();
    join_group(caller, *group.leak());
    caller.controlling_terminal = 0;
    caller.lost_foreground = {};
    return caller.pid();
}

}
