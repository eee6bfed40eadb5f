// SPDX-License-Identifier: MIT
// Process groups and sessions: setpgid(2), setsid(2), and signals to a whole group.
// Groups are objects, so that signalling one is O(its members); all under tree_lock.
#include <algorithm>

#include <arch/interrupts.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/process_walk.h"

namespace process {
namespace {

class GroupWalk final : public ProcessWalk {
public:
    GroupWalk(Pid group, SignalInfo const& info) : ProcessWalk(group), info_(info) {}
private:
    void visit(Process& member) override { post_signal(member, info_); }
    SignalInfo const& info_;
};

}

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

void ProcessManager::signal_group(Pid group, SignalInfo const& info) {
    bool const in_thread = arch::interrupts_enabled() && arch::preempt_enabled();
    {
        TreeGuard guard(tree_lock);
        auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
        if (!found) return;
        bool const left = !is_small(*found) && (in_thread || leave_to_thread(group, info));
        if (!left) {
            for (Process& member : found->members) post_signal(member, info);
            return;
        }
    }
    if (!in_thread) return group_signal_wait_.wake_one();
    GroupWalk walk(group, info);
    walk.run();
}

/// Its members can be told in one go, with interrupts off.
bool ProcessManager::is_small(ProcessGroup const& group) {
    u32 left = 32;
    return std::ranges::all_of(group.members, [&](Process const&) { return left-- != 0; });
}

/// False: too much has been left to it already. The same signal, not yet sent, is one signal.
bool ProcessManager::leave_to_thread(Pid group, SignalInfo const& info) {
    for (size_t i = 0; i < group_signal_count_; ++i)
        if (group_signals_[i].group == group && group_signals_[i].info.signal == info.signal) return true;
    if (group_signal_count_ == group_signals_.size()) return false;
    group_signals_[group_signal_count_++] = {group, info};
    return true;
}

std::optional<ProcessManager::GroupSignal> ProcessManager::next_group_signal() {
    TreeGuard guard(tree_lock);
    if (group_signal_count_ == 0) return std::nullopt;
    GroupSignal const first = group_signals_[0];
    std::copy_n(group_signals_.begin() + 1, --group_signal_count_, group_signals_.begin());
    return first;
}

/// The thread that sends what interrupts have left to it.
void ProcessManager::signal_large_groups(void*) {
    for (;;) {
        std::optional<GroupSignal> next;
        static_cast<void>(process_manager.group_signal_wait_.wait([&] { return (next = process_manager.next_group_signal()).has_value(); },
                                                                  sched::Interruptible::No));
        GroupWalk walk(next->group, next->info);
        walk.run();
    }
}

Pid ProcessManager::session_of_group(Pid group) {
    TreeGuard guard(tree_lock);
    auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
    return found ? found->session->entry_id : Pid();
}

bool ProcessManager::is_orphaned(Pid group) {
    TreeGuard guard(tree_lock);
    auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
    if (!found) return true;
    for (Process const& member : found->members) {
        Process const* parent = member.parent;
        if (!parent || member.state.load(std::memory_order_relaxed) == ProcessState::Zombie) continue;
        if (parent->group != group && parent->session == member.session) return false;
    }
    return true;
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
    TreeGuard guard(tree_lock);
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
    TreeGuard guard(tree_lock);
    if (pid.value == 0) return current_process().group;
    auto* found = static_cast<Process*>(pids_.find(pid, PidKind::Process));
    if (!found) return fail(ESRCH);
    return found->group;
}

Result<Pid> ProcessManager::get_session(Pid pid) {
    TreeGuard guard(tree_lock);
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
    TreeGuard guard(tree_lock);
    // A group with the caller's number may outlive its leader's membership (setpgid moved it away).
    if (pids_.find(caller.pid(), PidKind::Group)) return fail(EPERM);
    leave_group(caller, remains);
    pids_.add(*session, caller.pid());
    pids_.add(*group, caller.pid());
    session->groups = 1;
    group->session = session.leak();
    join_group(caller, *group.leak());
    caller.controlling_terminal = 0;
    caller.lost_foreground = Pid();
    return caller.pid();
}

}
