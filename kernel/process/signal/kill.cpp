// SPDX-License-Identifier: MIT
// kill(2), tgkill(2), rt_sigqueueinfo(2): which processes a number selects, and whether the sender may signal them. A signal to
// many reaches every child that a fork makes at the same time (ProcessWalk, post_to_member()).
#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/process_walk.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/signal.h"

namespace process {
namespace {

SignalInfo info_from(Process const& sender, int signal, int code) {
    SignalInfo info;
    info.signal = signal;
    info.code = code;
    info.pid = sender.pid().value;
    info.uid = sender.credentials.real_uid.value;
    return info;
}

/// The outcome of a signal to many: whether there was a target, and whether one was permitted.
struct Tally {
    bool seen = false, sent = false;
    void deliver(Process const& sender, Process& target, SignalInfo const& info) REQUIRES(tree_lock) {
        seen = true;
        if (!may_signal(sender, target, info.signal)) return;
        sent = true;
        process_manager.post_to_member(target, info);
    }
    Result<> result() const {
        if (sent) return {};
        return fail(seen ? EPERM : ESRCH);
    }
};

/// To all members of a group, or to all processes but init and the sender.
class KillWalk final : public ProcessWalk {
public:
    KillWalk(Process& sender, SignalInfo const& info, Pid group = Pid()) : ProcessWalk(group), sender_(sender), info_(info), to_all_(group.value == 0) {}
    Tally tally;
private:
    void visit(Process& target) override REQUIRES(tree_lock) {
        if (to_all_ && (target.is_init() || &target == &sender_)) return;
        tally.deliver(sender_, target, info_);
    }
    Process& sender_;
    SignalInfo const& info_;
    bool const to_all_;
};

}

Result<> ProcessManager::kill_group(Process& sender, Pid group, SignalInfo const& info) {
    {
        Locked guard(tree_lock);
        auto* found = static_cast<ProcessGroup*>(pids_.find(group, PidKind::Group));
        if (!found) return fail(ESRCH);
        if (is_small(*found)) {
            Tally tally;
            for (Process& member : found->members) tally.deliver(sender, member, info);
            return tally.result();
        }
    }
    KillWalk walk(sender, info, group);
    walk.run();
    return walk.tally.result();
}

Result<> ProcessManager::kill_everyone(Process& sender, SignalInfo const& info) {
    KillWalk walk(sender, info);
    walk.run();
    return walk.tally.seen ? Result<>() : fail(ESRCH);   // as in Linux: success even if no target was permitted
}

Result<> ProcessManager::kill(i32 pid, int signal) {
    if (signal < 0 || signal > signal_count) return fail(EINVAL);
    Process& sender = current_process();
    SignalInfo const info = info_from(sender, signal, SI_USER);
    if (pid == 0) return kill_group(sender, sender.group_at_a_glance(), info);
    if (pid == -1) return kill_everyone(sender, info);
    if (pid == INT32_MIN) return fail(ESRCH);
    if (pid < 0) return kill_group(sender, Pid(-pid), info);
    return queue_signal(Pid(pid), info);
}

Result<> ProcessManager::queue_signal(Pid pid, SignalInfo const& info) {
    auto [target, thread] = find_thread(pid);
    if (!target) return fail(ESRCH);
    TRY(may_signal(current_process(), *target, info.signal));
    return queue_to_process(*target, info);
}

Result<> ProcessManager::kill_thread(Pid group_or_zero, Pid tid, int signal) {
    return queue_to_thread(group_or_zero, tid, info_from(current_process(), signal, SI_TKILL));
}

Result<> ProcessManager::queue_to_thread(Pid group_or_zero, Pid tid, SignalInfo const& info) {
    if (tid.value <= 0 || info.signal < 0 || info.signal > signal_count) return fail(EINVAL);
    SignalNodes room;
    if (info.signal >= first_realtime_signal) {
        auto const target = find_thread(tid).first;
        if (!target) return fail(ESRCH);
        TRY(may_signal(current_process(), *target, info.signal));
        TRY(make_thread_node(*target, info, room));
    }
    Locked guard(tree_lock);
    auto const [target, thread] = thread_of(tid);
    if (!target || (group_or_zero.value != 0 && target->pid() != group_or_zero)) return fail(ESRCH);
    TRY(may_signal(current_process(), *target, info.signal));
    if (info.signal == 0 || !thread) return {};
    if (info.signal == SIGKILL) (void)post_signal(*target, info);   // killing one thread kills the whole process
    else post_to_thread(*thread, info, room);
    return {};
}

}
