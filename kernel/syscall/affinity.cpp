// SPDX-License-Identifier: MIT
// sched_setaffinity(2), sched_getaffinity(2): on which CPUs a thread may run.
#include <algorithm>

#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/syscall/handlers.h"
#include "mm/user/user_access.h"
#include "sched/scheduler.h"

namespace syscall {
namespace {

using SignalGuard = decltype(process::Process::signal_lock)::Guard;

/// Calls act(thread) for the thread `tid` (0: the caller's) while it cannot end. ESRCH.
template <class Action>
Result<> with_thread(Caller& caller, Pid tid, Action&& act) {
    if (tid.value == 0 || tid == caller.thread.tid) return act(caller.thread);
    auto const [owner, is_thread] = process::process_manager.find_thread(tid);
    if (!owner) return fail(ESRCH);
    SignalGuard guard(owner->signal_lock);
    for (process::UserThread& thread : owner->threads)
        if (thread.tid == tid) return act(thread);
    return fail(ESRCH);
}

}

/// The mask is cut to what the kernel knows, or filled with zeros. EINVAL: no CPU that is online is in it.
Result<> sys_sched_setaffinity(Caller& caller, Pid tid, u32 size, UserAddr mask) {
    u64 allowed = 0;
    auto* const bytes = reinterpret_cast<std::byte*>(&allowed);
    TRY(mm::UserPtr<std::byte>(mask).read_array({bytes, std::min<size_t>(size, sizeof allowed)}));
    return with_thread(caller, tid, [&](process::UserThread& thread) -> Result<> {
        TRY(process::may_schedule(caller.process, thread.process()));
        return sched::scheduler.set_affinity(thread, allowed);
    });
}

Result<size_t> sys_sched_getaffinity(Caller& caller, Pid tid, u32 size, UserAddr out) {
    if (size < sizeof(u64) || size % sizeof(u64)) return fail(EINVAL);
    u64 allowed = 0;
    TRY(with_thread(caller, tid, [&](process::UserThread& thread) -> Result<> {
        allowed = sched::scheduler.affinity(thread);
        return {};
    }));
    TRY(mm::UserPtr<u64>(out).write(allowed));
    return sizeof allowed;
}

}
