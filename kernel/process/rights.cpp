// SPDX-License-Identifier: MIT
// The decisions of rights.h. The caller is the running thread's process, so its own credentials are read in place, since only its
// own threads change them; those of another process are copied under its lock.
#include "kernel/process/rights.h"

#include <abi/signal.h>
#include <asm/resource.h>

namespace process {
namespace {

/// Kernel threads have all rights.
fs::Credentials caller_credentials() {
    auto* const thread = current_user_thread_or_null();
    return thread ? thread->process().copy_credentials() : fs::Credentials();
}

}

void register_caller() { fs::credentials_of_caller.provide(caller_credentials); }

Result<> may_signal(Process const& sender, Process const& target, int signal) {
    fs::Credentials const& from = sender.credentials;
    if (&sender == &target || from.is_privileged()) return {};
    if (signal == SIGCONT && sender.session_at_a_glance() == target.session_at_a_glance()) return {};
    fs::Credentials const to = target.copy_credentials();
    if (from.effective_uid == to.real_uid || from.effective_uid == to.saved_uid || from.real_uid == to.real_uid || from.real_uid == to.saved_uid)
        return {};
    return fail(EPERM);
}

Result<> may_schedule(Process const& caller, Process const& target) {
    fs::Credentials const& mine = caller.credentials;
    if (&target == &caller || mine.is_privileged()) return {};
    fs::Credentials const its = target.copy_credentials();
    if (mine.effective_uid != its.effective_uid && mine.effective_uid != its.real_uid) return fail(EPERM);
    return {};
}

Result<> may_set_nice(Process const& caller, Process const& target, int now, int nice) {
    if (caller.credentials.is_privileged()) return {};
    TRY(may_schedule(caller, target));
    if (nice < now && static_cast<u64>(20 - nice) > target.limit(RLIMIT_NICE).soft) return fail(EACCES);
    return {};
}

namespace {

/// Whether all three user ids of `its` are `uid`, and all three group ids `gid`.
bool are_all(fs::Credentials const& its, UserId uid, GroupId gid) {
    return its.effective_uid == uid && its.saved_uid == uid && its.real_uid == uid && its.effective_gid == gid && its.saved_gid == gid &&
           its.real_gid == gid;
}

}

Result<> may_change_limits(Process const& caller, Process const& target) {
    fs::Credentials const& mine = caller.credentials;
    if (&target == &caller || mine.is_privileged()) return {};
    if (!are_all(target.copy_credentials(), mine.real_uid, mine.real_gid)) return fail(EPERM);
    return {};
}

Result<> may_look_into(Process const& caller, Process const& target) {
    fs::Credentials const& mine = caller.credentials;
    if (&target == &caller || mine.is_privileged()) return {};
    if (!target.dumpable || !are_all(target.copy_credentials(), mine.fs_uid, mine.fs_gid)) return fail(EACCES);
    return {};
}

}
