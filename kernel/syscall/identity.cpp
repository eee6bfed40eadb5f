// SPDX-License-Identifier: MIT
// Who a process is: getuid(2) and its relatives, setuid(2) setreuid(2) setresuid(2) setfsuid(2)
// getgroups(2). A process changes only its own credentials. Privilege is effective user 0, as
// Linux's capabilities come and go where nobody sets them by hand; /proc/PID changes hands too.
#include <algorithm>

#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/handlers.h"

namespace syscall {

Result<u32> sys_getuid(Caller& caller) { return caller.process.credentials.real_uid.value; }
Result<u32> sys_geteuid(Caller& caller) { return caller.process.credentials.effective_uid.value; }
Result<u32> sys_getgid(Caller& caller) { return caller.process.credentials.real_gid.value; }
Result<u32> sys_getegid(Caller& caller) { return caller.process.credentials.effective_gid.value; }

Result<> sys_getresuid(Caller& caller, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved) {
    auto const& who = caller.process.credentials;
    TRY(real.write(who.real_uid.value));
    TRY(effective.write(who.effective_uid.value));
    return saved.write(who.saved_uid.value);
}
Result<> sys_getresgid(Caller& caller, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved) {
    auto const& who = caller.process.credentials;
    TRY(real.write(who.real_gid.value));
    TRY(effective.write(who.effective_gid.value));
    return saved.write(who.saved_gid.value);
}

namespace {

constexpr u32 leave = ~0u;

struct Changed { bool needs_user = false, user = false, rights = false; };

/// One try. needs_user: nothing has changed, since the real user is another one than `user`, who is to be found.
template <class Rule>
Result<Changed> try_change(process::Process& process, Rule& rule, Ref<fs::User> const& user, UserId& real) {
    fs::Credentials who;                 // leaves with what was there before, when no lock is held
    process::Process::StateGuard state_guard(process.state_lock);
    SpinLock<LockRank::leaf, InterruptsOff>::Guard guard(process.credentials_lock);
    fs::Credentials const& old = process.credentials;
    who = old;
    TRY(rule(who));
    real = who.real_uid;
    Changed changed;
    changed.user = real != old.real_uid;
    changed.needs_user = changed.user && real != fs::user_or_root(user).uid();
    if (changed.needs_user) return changed;
    if (changed.user) who.user = user;
    changed.rights = who.effective_uid != old.effective_uid || who.effective_gid != old.effective_gid || who.fs_uid != old.fs_uid ||
                     who.fs_gid != old.fs_gid;
    if (changed.rights) process.dumpable = false;
    std::swap(process.credentials, who);
    return changed;
}

/// Changes the caller's credentials by `rule`, which edits a copy or refuses. Linux's commit_creds: a process whose rights
/// have changed may hold what its new user may not see, and no longer dies with a parent it may not know. EAGAIN: no memory.
template <class Rule>
Result<> change(Caller& caller, Rule rule) {
    process::Process& process = caller.process;
    Ref<fs::User> user;
    UserId real;
    auto changed = TRY(try_change(process, rule, user, real));
    while (changed.needs_user) {
        auto found = fs::User::find(real);
        if (!found) return fail(EAGAIN);
        user = std::move(*found);
        changed = TRY(try_change(process, rule, user, real));
    }
    if (changed.user) process::process_manager.follow_user(caller.thread);
    if (changed.rights) process::process_manager.forget_parents_death(process);
    return {};
}

/// The ids of one kind, users or groups, so that each rule is written once.
template <class IdType>
struct Ids { IdType& real; IdType& effective; IdType& saved; IdType& fs; };

Ids<UserId> users(fs::Credentials& who) { return {who.real_uid, who.effective_uid, who.saved_uid, who.fs_uid}; }
Ids<GroupId> groups(fs::Credentials& who) { return {who.real_gid, who.effective_gid, who.saved_gid, who.fs_gid}; }

bool is_one_of(u32 id, auto... present) { return ((id == present.value) || ...); }

/// setuid(2): with privilege all of them, else the effective one may become the real or the saved one.
template <class IdType>
Result<> set_one(Ids<IdType> now, bool privileged, u32 id) {
    if (!privileged && !is_one_of(id, now.real, now.saved)) return fail(EPERM);
    if (privileged) now.real = now.saved = IdType(id);
    now.effective = now.fs = IdType(id);
    return {};
}

/// setreuid(2): the saved one follows where the real one is set, or the effective one to something else than the real one.
template <class IdType>
Result<> set_two(Ids<IdType> now, bool privileged, u32 real, u32 effective) {
    if (real != leave && !privileged && !is_one_of(real, now.real, now.effective)) return fail(EPERM);
    if (effective != leave && !privileged && !is_one_of(effective, now.real, now.effective, now.saved)) return fail(EPERM);
    bool const is_saved = real != leave || (effective != leave && effective != now.real.value);
    if (real != leave) now.real = IdType(real);
    if (effective != leave) now.effective = IdType(effective);
    if (is_saved) now.saved = now.effective;
    now.fs = now.effective;
    return {};
}

/// setresuid(2): without privilege each new id must be one of the three present ones.
template <class IdType>
Result<> set_three(Ids<IdType> now, bool privileged, u32 real, u32 effective, u32 saved) {
    for (u32 id : {real, effective, saved})
        if (id != leave && !privileged && !is_one_of(id, now.real, now.effective, now.saved)) return fail(EPERM);
    if (real != leave) now.real = IdType(real);
    if (effective != leave) now.effective = IdType(effective);
    if (saved != leave) now.saved = IdType(saved);
    now.fs = now.effective;
    return {};
}

/// setfsuid(2): refuses by changing nothing. The old one.
template <class IdType>
u32 set_fs(Ids<IdType> now, bool privileged, u32 id) {
    u32 const old = now.fs.value;
    if (id != leave && (privileged || is_one_of(id, now.real, now.effective, now.saved, now.fs))) now.fs = IdType(id);
    return old;
}

}

Result<> sys_setuid(Caller& caller, u32 uid) {
    if (uid == leave) return fail(EINVAL);
    return change(caller, [&](fs::Credentials& who) { return set_one(users(who), who.is_privileged(), uid); });
}
Result<> sys_setgid(Caller& caller, u32 gid) {
    if (gid == leave) return fail(EINVAL);
    return change(caller, [&](fs::Credentials& who) { return set_one(groups(who), who.is_privileged(), gid); });
}
Result<> sys_setreuid(Caller& caller, u32 real, u32 effective) {
    return change(caller, [&](fs::Credentials& who) { return set_two(users(who), who.is_privileged(), real, effective); });
}
Result<> sys_setregid(Caller& caller, u32 real, u32 effective) {
    return change(caller, [&](fs::Credentials& who) { return set_two(groups(who), who.is_privileged(), real, effective); });
}
Result<> sys_setresuid(Caller& caller, u32 real, u32 effective, u32 saved) {
    return change(caller, [&](fs::Credentials& who) { return set_three(users(who), who.is_privileged(), real, effective, saved); });
}
Result<> sys_setresgid(Caller& caller, u32 real, u32 effective, u32 saved) {
    return change(caller, [&](fs::Credentials& who) { return set_three(groups(who), who.is_privileged(), real, effective, saved); });
}
Result<u32> sys_setfsuid(Caller& caller, u32 uid) {
    u32 old = 0;
    TRY(change(caller, [&](fs::Credentials& who) { return old = set_fs(users(who), who.is_privileged(), uid), Result<>{}; }));
    return old;
}
Result<u32> sys_setfsgid(Caller& caller, u32 gid) {
    u32 old = 0;
    TRY(change(caller, [&](fs::Credentials& who) { return old = set_fs(groups(who), who.is_privileged(), gid), Result<>{}; }));
    return old;
}

Result<u32> sys_getgroups(Caller& caller, i32 size, mm::UserPtr<u32> out) {
    auto const who = caller.process.copy_credentials();
    if (size < 0) return fail(EINVAL);
    if (size == 0) return who.group_count;
    if (static_cast<u32>(size) < who.group_count) return fail(EINVAL);
    for (u32 i = 0; i < who.group_count; ++i) TRY((out + i).write(who.groups[i].value));
    return who.group_count;
}

Result<> sys_setgroups(Caller& caller, u32 count, mm::UserPtr<u32> in) {
    if (!caller.process.credentials.is_privileged()) return fail(EPERM);
    if (count > fs::Credentials::max_groups) return fail(EINVAL);
    std::array<u32, fs::Credentials::max_groups> list{};
    for (u32 i = 0; i < count; ++i) {
        list[i] = TRY((in + i).read());
        if (list[i] == leave) return fail(EINVAL);
    }
    std::sort(list.begin(), list.begin() + count);   // as Linux keeps them: getgroups(2) shows it
    return change(caller, [&](fs::Credentials& who) {
        if (!who.is_privileged()) return Result<>(fail(EPERM));
        for (u32 i = 0; i < count; ++i) who.groups[i] = GroupId(list[i]);
        who.group_count = count;
        return Result<>{};
    });
}

}
