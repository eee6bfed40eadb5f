// SPDX-License-Identifier: MIT
// sched_setaffinity(2), sched_getaffinity(2): on which CPUs a thread may run.
#include <algorithm>

#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/syscall/process/processes.h"
#include "mm/user/user_access.h"
#include "sched/scheduler.h"

namespace syscall {

/// The mask is cut to what the kernel knows, or filled with zeros. EINVAL: no CPU that is online is in it.
Result<> sys_sched_setaffinity(Caller& caller, Pid tid, u32 size, UserAddr mask) {
    u64 allowed = 0;
    auto* const bytes = reinterpret_cast<std::byte*>(&allowed);
    TRY(mm::UserPtr<std::byte>(mask).read_array({bytes, std::min<size_t>(size, sizeof allowed)}));
    return process::process_manager.with_thread(tid, [&](process::UserThread& thread) -> Result<> {
        TRY(process::may_schedule(caller.process, thread.process()));
        return sched::scheduler.set_affinity(thread, allowed);
    });
}

Result<size_t> sys_sched_getaffinity(Caller&, Pid tid, u32 size, UserAddr out) {
    if (size < sizeof(u64) || size % sizeof(u64)) return fail(EINVAL);
    u64 allowed = 0;
    auto const found = process::process_manager.with_thread(tid, [&](process::UserThread& thread) -> Result<> {
        allowed = sched::scheduler.affinity(thread);
        return {};
    });
    auto const of_ended = [&](process::Process& ended) -> Result<> {
        process::tree_lock.assert_held();
        allowed = ended.last_affinity;
        return {};
    };
    if (!found) TRY(process::process_manager.with_ended(tid, of_ended));
    TRY(mm::UserPtr<u64>(out).write(allowed));
    return sizeof allowed;
}

}
