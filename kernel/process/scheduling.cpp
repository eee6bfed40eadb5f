// SPDX-License-Identifier: MIT
// Who may change how a thread is scheduled: sched_setscheduler(2), setpriority(2), sched(7). Every check
// and its change are one hold of tree_lock, so that a permission still holds when it is used.
#include <algorithm>

#include <asm/resource.h>

#include "kernel/process/rights.h"
#include "kernel/process/process_manager.h"
#include "sched/scheduler.h"

namespace process {
namespace {

using sched::Parameters;
using sched::SchedulingClass;

using SignalGuard = decltype(Process::signal_lock)::Guard;

constexpr bool uses_nice(SchedulingClass it) { return it == SchedulingClass::Other || it == SchedulingClass::Batch; }

/// Checks RLIMIT_NICE of the target; the limit's unit is 20 - nice, from 1 (nice 19) to 40 (nice -20).
bool limit_allows_nice(Process const& target, int nice) {
    return static_cast<u64>(20 - nice) <= target.limit(RLIMIT_NICE).soft;
}

/// Without privilege a caller may lower its own threads' priority, and raise it up to the target's limits.
bool may_set(Process const& caller, Process const& target, Parameters const& now, Parameters const& wanted) {
    if (caller.credentials.is_privileged()) return true;
    if (uses_nice(wanted.scheduling_class) && wanted.nice < now.nice && !limit_allows_nice(target, wanted.nice)) return false;
    if (is_realtime(wanted.scheduling_class)) {
        u64 const limit = target.limit(RLIMIT_RTPRIO).soft;
        if (wanted.scheduling_class != now.scheduling_class && limit == 0) return false;
        if (wanted.realtime_priority > now.realtime_priority && wanted.realtime_priority > limit) return false;
    }
    bool const leaves_idle = now.scheduling_class == SchedulingClass::Idle && wanted.scheduling_class != SchedulingClass::Idle;
    if (leaves_idle && !limit_allows_nice(target, now.nice)) return false;
    if (!may_schedule(caller, target)) return false;
    return !now.reset_on_fork || wanted.reset_on_fork;
}

/// What `request` makes of `now`. EINVAL EPERM EOPNOTSUPP.
Result<Parameters> changed(Process const& caller, Process const& target, Parameters const& now, SchedulingRequest const& request) {
    Parameters wanted = now;
    wanted.scheduling_class = request.scheduling_class.value_or(now.scheduling_class);
    int const priority = request.realtime_priority.value_or(now.realtime_priority);
    if (priority < 0 || priority > 99 || is_realtime(wanted.scheduling_class) != (priority != 0)) return fail(EINVAL);
    wanted.realtime_priority = static_cast<u8>(priority);
    if (request.nice && uses_nice(wanted.scheduling_class)) wanted.nice = static_cast<i8>(*request.nice);
    wanted.reset_on_fork = request.reset_on_fork.value_or(now.reset_on_fork);
    if (!may_set(caller, target, now, wanted)) return fail(EPERM);
    if (request.clamps_utilisation) return fail(EOPNOTSUPP);
    return wanted;
}

/// The nice value that setpriority(2) and getpriority(2) see: a thread's, or (null) that of a process's first thread, which has ended.
int nice_of(Process const& process, UserThread const* thread) REQUIRES(tree_lock) {
    return thread ? sched::scheduler.parameters(*thread).nice : process.last_scheduling.nice;
}

/// setpriority(2) for one target of possibly many: `result` keeps the last refusal, or else success.
void set_nice_of(Process const& caller, Process& process, UserThread* thread, int nice, Result<>& result) REQUIRES(tree_lock) {
    if (auto const allowed = may_set_nice(caller, process, nice_of(process, thread), nice); !allowed) {
        result = allowed;
        return;
    }
    if (!result && result.error() == Errno(ESRCH)) result = {};
    if (thread) sched::scheduler.set_nice(*thread, nice);
    else process.last_scheduling.nice = static_cast<i8>(nice);
}

/// The most threads used, and the most numbers tried, in one hold of tree_lock (interrupts are off).
constexpr u32 most_at_once = 16;
constexpr i32 most_numbers = 256;

}

/// Calls use() for a few threads of wanted processes, in order of their numbers. False: there are no more.
template <class Wanted, class Use>
bool ProcessManager::with_some_threads(Pid& position, Wanted const& is_wanted, Use& use) {
    Locked guard(tree_lock);
    i32 const end = std::min(position.value + 1 + most_numbers, PidTable::pid_max);
    for (u32 used = 0; used < most_at_once && position.value + 1 < end;) {
        PidEntry* const entry = pids_.next_of(position, end, PidKind::Process, PidKind::Thread);
        position = entry ? entry->entry_id : Pid(end - 1);
        if (!entry) break;
        bool const is_process = entry->entry_kind == PidKind::Process;
        UserThread* const thread = is_process ? first_thread(static_cast<Process&>(*entry)) : static_cast<UserThread*>(entry);
        Process& of = is_process ? static_cast<Process&>(*entry) : thread->process();
        if (!is_wanted(of)) continue;
        use(of, thread);
        ++used;
    }
    return position.value + 1 < PidTable::pid_max;
}

/// Calls use(process, thread) for each target, with tree_lock held, a few at a time. The thread is null if it was the first one
/// and has ended.
template <class Use>
void ProcessManager::with_threads(NiceTarget const& target, Use&& use) {
    if (target.who == NiceTarget::Who::Thread) {
        auto const found = with_thread(Pid(target.id), [&](UserThread& thread) -> Result<> { use(thread.process(), &thread); return {}; });
        if (!found) (void)with_ended(Pid(target.id), [&](Process& ended) -> Result<> { use(ended, nullptr); return {}; });
        return;
    }
    Process& caller = current_process();
    Pid position;
    if (target.who == NiceTarget::Who::Group) {
        Pid const group = target.id == 0 ? caller.group_at_a_glance() : Pid(target.id);
        auto const is_member = [&](Process const& process) { return process.group_at_a_glance() == group; };
        while (with_some_threads(position, is_member, use)) {}
        return;
    }
    UserId const user = target.id == 0 ? caller.credentials.real_uid : UserId(static_cast<u32>(target.id));
    while (with_some_threads(position, [&](Process const& process) { return process.credentials.real_uid == user; }, use)) {}
}

Result<> ProcessManager::set_scheduling(Pid tid, SchedulingRequest const& request) {
    Process const& caller = current_process();
    auto const result = with_thread(tid, [&](UserThread& thread) -> Result<> {
        return sched::scheduler.set_parameters(thread, TRY(changed(caller, thread.process(), sched::scheduler.parameters(thread), request)));
    });
    if (result || result.error() != Errno(ESRCH)) return result;
    return with_ended(tid, [&](Process& ended) -> Result<> {
        tree_lock.assert_held();
        ended.last_scheduling = TRY(changed(caller, ended, ended.last_scheduling, request));
        return {};
    });
}

Result<Parameters> ProcessManager::scheduling(Pid tid) {
    Parameters found;
    auto const result = with_thread(tid, [&](UserThread& thread) -> Result<> { found = sched::scheduler.parameters(thread); return {}; });
    if (result) return found;
    TRY(with_ended(tid, [&](Process& ended) -> Result<> {
        tree_lock.assert_held();
        found = ended.last_scheduling;
        return {};
    }));
    return found;
}

Result<u64> ProcessManager::time_slice_ns(Pid tid) {
    u64 found = 0;
    auto const result = with_thread(tid, [&](UserThread& thread) -> Result<> { found = sched::scheduler.time_slice_ns(thread); return {}; });
    if (!result) TRY(with_ended(tid, [](Process&) -> Result<> { return {}; }));   // an ended thread has no slice
    return found;
}

Result<> ProcessManager::set_nice(NiceTarget const& target, int nice) {
    Process const& caller = current_process();
    Result<> result = fail(ESRCH);
    with_threads(target, [&](Process& process, UserThread* thread) {
        tree_lock.assert_held();
        set_nice_of(caller, process, thread, nice, result);
    });
    return result;
}

Result<int> ProcessManager::lowest_nice(NiceTarget const& target) {
    Result<int> result = fail(ESRCH);
    with_threads(target, [&](Process& process, UserThread* thread) {
        tree_lock.assert_held();
        int const nice = nice_of(process, thread);
        result = result ? std::min(*result, nice) : nice;
    });
    return result;
}

}
