// SPDX-License-Identifier: MIT
// prlimit(2) getrlimit(2) setrlimit(2).
#include <algorithm>
#include <asm/resource.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/process/processes.h"

namespace syscall {

using process::process_manager;

namespace {

/// Asks for the right to it and does it in one hold of the lock under which the target changes what it is. `replacement` null: only asks
/// what there is, which becomes `old`.
Result<> exchange_limit(Caller& caller, process::Process& target, u32 resource, process::ResourceLimit const* replacement, process::ResourceLimit& old) {
    Locked guard(target.state_lock);
    TRY(process::may_change_limits(caller.process, target));
    Locked limits_guard(target.limits_lock);
    auto& limit = target.limits[resource];
    if (replacement && replacement->hard > limit.hard && !caller.process.credentials.is_privileged()) return fail(EPERM);
    old = limit;
    if (replacement) limit = *replacement;
    return {};
}

Result<> set_limit(Caller& caller, process::Process& target, u32 resource, process::ResourceLimit const& wanted, process::ResourceLimit& old) {
    if (wanted.soft > wanted.hard) return fail(EINVAL);
    if (resource == RLIMIT_NOFILE && wanted.hard > (1u << 20)) return fail(EPERM);
    Locked guard(target.memory_limits_lock);
    TRY(exchange_limit(caller, target, resource, &wanted, old));
    if (resource == RLIMIT_CPU) target.timers.set_cpu_limit(wanted);
    if (resource != RLIMIT_AS && resource != RLIMIT_DATA && resource != RLIMIT_STACK) return {};
    if (auto space = target.copy_address_space()) space->set_limits(target.memory_limits());
    return {};
}

}

Result<> sys_prlimit64(Caller& caller, Pid pid, u32 resource, UserAddr new_limit, UserAddr old_limit) {
    process::ResourceLimit wanted;
    if (!new_limit.is_null()) wanted = TRY(mm::UserPtr<process::ResourceLimit>(new_limit).read());
    auto target = pid.value == 0 ? Ref<process::Process>::share(&caller.process) : process_manager.find(pid);
    if (!target) return fail(ESRCH);
    TRY(process::may_change_limits(caller.process, *target));
    if (resource >= RLIM_NLIMITS) return fail(EINVAL);
    process::ResourceLimit old;
    if (new_limit.is_null()) TRY(exchange_limit(caller, *target, resource, nullptr, old));
    else TRY(set_limit(caller, *target, resource, wanted, old));
    if (!old_limit.is_null()) TRY(mm::UserPtr<process::ResourceLimit>(old_limit).write(old));
    return {};
}
Result<> sys_getrlimit(Caller& caller, u32 resource, UserAddr out) {
    if (resource < RLIM_NLIMITS && out.is_null()) return fail(EFAULT);
    return sys_prlimit64(caller, Pid(0), resource, UserAddr(), out);
}
Result<> sys_setrlimit(Caller& caller, u32 resource, UserAddr in) {
    if (in.is_null()) return fail(EFAULT);
    return sys_prlimit64(caller, Pid(0), resource, in, UserAddr());
}

}
