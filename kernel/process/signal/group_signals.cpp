// SPDX-License-Identifier: MIT
// Signals to a whole group: a terminal's, and those that tell an orphaned group that nobody will continue it. A large group gets
// them from a thread, a few members at a time, since terminals signal from interrupts. tree_lock guards all of it.
#include <algorithm>

#include <abi/signal.h>
#include <arch/interrupts.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/process_walk.h"
#include "kernel/process/signal/signal_steps.h"

namespace process {
namespace {

class GroupWalk final : public ProcessWalk {
public:
    GroupWalk(Pid group, SignalInfo const& info) : ProcessWalk(group), info_(info) {}
private:
    void visit(Process& member) override REQUIRES(tree_lock) { process_manager.post_to_member(member, info_); }
    SignalInfo const& info_;
};

}

void ProcessManager::signal_group(Pid group, SignalInfo const& info) {
    bool const in_thread = arch::interrupts_enabled() && arch::preempt_enabled();
    {
        Locked guard(tree_lock);
        auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
        if (!found) return;
        bool const left = !is_small(*found) && (in_thread || leave_to_thread(group, info));
        if (!left) {
            for (Process& member : found->members) post_to_member(member, info);
            return;
        }
    }
    if (!in_thread) return group_signal_wait_.wake_one();
    GroupWalk walk(group, info);
    walk.run();
}

/// Whether all its members can be signalled in one hold of tree_lock, with interrupts off.
bool ProcessManager::is_small(ProcessGroup const& group) {
    u32 left = 32;
    return std::ranges::all_of(group.members, [&](Process const&) { return left-- != 0; });
}

/// False: the thread has too many signals to send already. A signal that equals an unsent one is merged with it.
bool ProcessManager::leave_to_thread(Pid group, SignalInfo const& info) {
    for (size_t i = 0; i < group_signal_count_; ++i)
        if (group_signals_[i].group.get() == group && group_signals_[i].info.signal == info.signal) return true;
    if (group_signal_count_ == group_signals_.size()) return false;
    group_signals_[group_signal_count_++] = {base::HeldPid::hold(group), info};
    return true;
}

std::optional<ProcessManager::GroupSignal> ProcessManager::next_group_signal() {
    Locked guard(tree_lock);
    if (group_signal_count_ == 0) return std::nullopt;
    GroupSignal const first = group_signals_[0];
    std::move(group_signals_.begin() + 1, group_signals_.begin() + group_signal_count_, group_signals_.begin());
    group_signals_[--group_signal_count_] = {};
    return first;
}

/// The thread that sends the signals which interrupts and ending processes have left to it.
void ProcessManager::signal_large_groups(void*) {
    for (;;) {
        std::optional<GroupSignal> next;
        static_cast<void>(process_manager.group_signal_wait_.wait([&] { return (next = process_manager.next_group_signal()).has_value(); },
                                                                  sched::Interruptible::No));
        GroupWalk walk(next->group.get(), next->info);
        walk.run();
    }
}

void ProcessManager::post_to_member(Process& member, SignalInfo const& info) {
    if (!post_signal(member, info)) return;
    SignalMask const undone = info.signal == SIGCONT ? stop_signals : (mask_of(info.signal) & stop_signals) ? mask_of(SIGCONT) : 0;
    for (UnbornChild& unborn : member.unborn_children) unborn.signals = (unborn.signals & ~undone) | mask_of(info.signal);
}

namespace {

/// Whether its parent could continue its group.
bool is_cared_for(Process const& member) REQUIRES(tree_lock) {
    Process const* const parent = member.parent;
    if (!parent || parent->is_init() || member.state.load(std::memory_order_relaxed) == ProcessState::Zombie) return false;
    return parent->group != member.group && parent->session == member.session;
}

/// Stopped, or about to be.
bool is_stopped(Process const& process) {
    Locked guard(process.signal_lock);
    return process.stop_signal != 0;
}

}

bool ProcessManager::is_orphaned(ProcessGroup const& group, TreeGuard const&) const {
    for (Process const& member : group.members)
        if (is_cared_for(member)) return false;
    return true;
}

bool ProcessManager::is_orphaned(Pid group) {
    Locked guard(tree_lock);
    auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
    return !found || is_orphaned(*found, guard);
}

/// The group has lost a parent from outside, or the member that `leaves` and had one. If it was the last such tie, and a member is
/// stopped, all members are told that nobody will continue them (_exit(2) of POSIX).
void ProcessManager::hang_up_orphan(ProcessGroup& group, Process const* leaves) {
    auto const cares_still = [&](Process const& member) {
        tree_lock.assert_held();
        return &member != leaves && is_cared_for(member);
    };
    if (std::ranges::any_of(group.members, cares_still)) return;
    if (std::ranges::none_of(group.members, is_stopped)) return;
    bool const is_large = !is_small(group);
    for (int const signal : {SIGHUP, SIGCONT}) {
        SignalInfo info;
        info.signal = signal;
        info.code = SI_KERNEL;
        if (is_large && leave_to_thread(group.entry_id, info)) continue;
        for (Process& member : group.members) post_to_member(member, info);
    }
    if (is_large) group_signal_wait_.wake_one();
}

/// `parent` ends, and its `children` have another parent. Each group is examined once.
void ProcessManager::hang_up_orphans(Process const& parent, ProcessList& children) {
    u64 const look = ++orphan_looks_;
    for (Process& child : children) {
        ProcessGroup& group = *child.group_object;
        if (child.group == parent.group || child.session != parent.session || group.looked_at == look) continue;
        group.looked_at = look;
        hang_up_orphan(group, nullptr);
    }
}

/// `process` ends: its parent may have been the one that could continue its group.
void ProcessManager::hang_up_own_orphans(Process const& process) {
    if (is_cared_for(process)) hang_up_orphan(*process.group_object, &process);
}

}
