// SPDX-License-Identifier: MIT
// The rules by which a process changes its user and groups; privileges follow as Linux's capabilities do where no program sets
// them by hand. The owner of /proc/PID changes too. Each rule edits a copy, so that a refused change leaves no trace.
#include "kernel/process/identity.h"

#include <algorithm>

#include "kernel/process/process_manager.h"

namespace process {
namespace {

struct Changed { bool needs_user = false, user = false, rights = false; };

/// One attempt. needs_user: nothing has changed, because the new real user is not `user` and must be found first.
template <class Rule>
Result<Changed> try_change(Process& process, Rule& rule, Ref<fs::User> const& user, UserId& real) {
    fs::Credentials who;                 // takes the old credentials away and drops them when no lock is held
    Locked state_guard(process.state_lock);
    Locked guard(process.credentials_lock);
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

/// Changes the caller's credentials by `rule`, which edits a copy or refuses. As Linux's commit_creds: a process whose rights
/// have changed may hold what its new user may not see, so it is not dumpable, and it no longer dies with its parent, which it may
/// not know. EAGAIN: no memory.
template <class Rule>
Result<> change(UserThread& thread, Rule rule) {
    Process& process = thread.process();
    Ref<fs::User> user;
    UserId real;
    auto changed = TRY(try_change(process, rule, user, real));
    while (changed.needs_user) {
        auto found = fs::User::find(real);
        if (!found) return fail(EAGAIN);
        user = std::move(*found);
        changed = TRY(try_change(process, rule, user, real));
    }
    if (changed.user) process_manager.follow_user(thread);
    if (changed.rights) process_manager.forget_parents_death(process);
    return {};
}

/// The ids of one kind, user or group, so that each rule is written once.
template <class IdType>
struct Ids { IdType& real; IdType& effective; IdType& saved; IdType& fs; };

Ids<UserId> users(fs::Credentials& who) { return {who.real_uid, who.effective_uid, who.saved_uid, who.fs_uid}; }
Ids<GroupId> groups(fs::Credentials& who) { return {who.real_gid, who.effective_gid, who.saved_gid, who.fs_gid}; }

bool is_one_of(u32 id, auto... present) { return ((id == present.value) || ...); }

/// setuid(2): with privilege all ids change, otherwise the effective one may become the real or the saved one.
template <class IdType>
Result<> set_one(Ids<IdType> now, bool privileged, u32 id) {
    if (!privileged && !is_one_of(id, now.real, now.saved)) return fail(EPERM);
    if (privileged) now.real = now.saved = IdType(id);
    now.effective = now.fs = IdType(id);
    return {};
}

/// setreuid(2): the saved id follows if the real one is set, or the effective one is set to another value than the real one.
template <class IdType>
Result<> set_two(Ids<IdType> now, bool privileged, u32 real, u32 effective) {
    if (real != unchanged_id && !privileged && !is_one_of(real, now.real, now.effective)) return fail(EPERM);
    if (effective != unchanged_id && !privileged && !is_one_of(effective, now.real, now.effective, now.saved)) return fail(EPERM);
    bool const is_saved = real != unchanged_id || (effective != unchanged_id && effective != now.real.value);
    if (real != unchanged_id) now.real = IdType(real);
    if (effective != unchanged_id) now.effective = IdType(effective);
    if (is_saved) now.saved = now.effective;
    now.fs = now.effective;
    return {};
}

/// setresuid(2): without privilege each new id must be one of the three current ones.
template <class IdType>
Result<> set_three(Ids<IdType> now, bool privileged, u32 real, u32 effective, u32 saved) {
    for (u32 id : {real, effective, saved})
        if (id != unchanged_id && !privileged && !is_one_of(id, now.real, now.effective, now.saved)) return fail(EPERM);
    if (real != unchanged_id) now.real = IdType(real);
    if (effective != unchanged_id) now.effective = IdType(effective);
    if (saved != unchanged_id) now.saved = IdType(saved);
    now.fs = now.effective;
    return {};
}

/// setfsuid(2): a refusal changes nothing. Returns the old id.
template <class IdType>
u32 set_fs(Ids<IdType> now, bool privileged, u32 id) {
    u32 const old = now.fs.value;
    if (id != unchanged_id && (privileged || is_one_of(id, now.real, now.effective, now.saved, now.fs))) now.fs = IdType(id);
    return old;
}

/// Applies rule(ids, privileged) to the ids of one kind.
template <class Rule>
Result<> change_ids(UserThread& thread, IdKind kind, Rule rule) {
    return change(thread, [&](fs::Credentials& who) -> Result<> {
        return kind == IdKind::User ? rule(users(who), who.is_privileged()) : rule(groups(who), who.is_privileged());
    });
}

}

Result<> set_id(UserThread& thread, IdKind kind, u32 id) {
    if (id == unchanged_id) return fail(EINVAL);
    return change_ids(thread, kind, [&](auto ids, bool privileged) { return set_one(ids, privileged, id); });
}

Result<> set_two_ids(UserThread& thread, IdKind kind, u32 real, u32 effective) {
    return change_ids(thread, kind, [&](auto ids, bool privileged) { return set_two(ids, privileged, real, effective); });
}

Result<> set_three_ids(UserThread& thread, IdKind kind, u32 real, u32 effective, u32 saved) {
    return change_ids(thread, kind, [&](auto ids, bool privileged) { return set_three(ids, privileged, real, effective, saved); });
}

Result<u32> set_file_id(UserThread& thread, IdKind kind, u32 id) {
    u32 old = 0;
    TRY(change_ids(thread, kind, [&](auto ids, bool privileged) {
        old = set_fs(ids, privileged, id);
        return Result<>();
    }));
    return old;
}

Result<> set_groups(UserThread& thread, std::span<u32> list) {
    if (list.size() > fs::Credentials::max_groups || std::ranges::find(list, unchanged_id) != list.end()) return fail(EINVAL);
    std::ranges::sort(list);                     // as Linux does: getgroups(2) shows the order
    return change(thread, [&](fs::Credentials& who) -> Result<> {
        if (!who.is_privileged()) return fail(EPERM);
        for (size_t i = 0; i < list.size(); ++i) who.groups[i] = GroupId(list[i]);
        who.group_count = static_cast<u32>(list.size());
        return {};
    });
}

}
