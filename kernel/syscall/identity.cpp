// SPDX-License-Identifier: MIT
// Who a process is: getuid(2) and its relatives, setuid(2) setresuid(2) getgroups(2).
// A process changes only its own credentials.
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

/// setresuid(2): without privilege each new id must be one of the three present ones.
template <class IdType>
Result<> set_three(bool privileged, IdType (&now)[3], u32 const (&wanted)[3]) {
    for (u32 id : wanted) {
        bool const present = id == now[0].value || id == now[1].value || id == now[2].value;
        if (id != leave && !present && !privileged) return fail(EPERM);
    }
    for (size_t i = 0; i < 3; ++i)
        if (wanted[i] != leave) now[i] = IdType(wanted[i]);
    return {};
}

bool is_privileged(fs::Credentials const& who) { return who.effective_uid.value == 0; }

}

Result<> sys_setresuid(Caller& caller, u32 real, u32 effective, u32 saved) {
    auto& who = caller.process.credentials;
    UserId ids[3] = {who.real_uid, who.effective_uid, who.saved_uid};
    u32 const wanted[3] = {real, effective, saved};
    TRY(set_three(is_privileged(who), ids, wanted));
    who.real_uid = ids[0];
    who.effective_uid = who.fs_uid = ids[1];
    who.saved_uid = ids[2];
    return {};
}
Result<> sys_setresgid(Caller& caller, u32 real, u32 effective, u32 saved) {
    auto& who = caller.process.credentials;
    GroupId ids[3] = {who.real_gid, who.effective_gid, who.saved_gid};
    u32 const wanted[3] = {real, effective, saved};
    TRY(set_three(is_privileged(who), ids, wanted));
    who.real_gid = ids[0];
    who.effective_gid = who.fs_gid = ids[1];
    who.saved_gid = ids[2];
    return {};
}
Result<> sys_setuid(Caller& caller, u32 uid) {
    if (uid == leave) return fail(EINVAL);
    return is_privileged(caller.process.credentials) ? sys_setresuid(caller, uid, uid, uid) : sys_setresuid(caller, leave, uid, leave);
}
Result<> sys_setgid(Caller& caller, u32 gid) {
    if (gid == leave) return fail(EINVAL);
    return is_privileged(caller.process.credentials) ? sys_setresgid(caller, gid, gid, gid) : sys_setresgid(caller, leave, gid, leave);
}

Result<u32> sys_getgroups(Caller& caller, i32 size, mm::UserPtr<u32> out) {
    auto const& who = caller.process.credentials;
    if (size < 0) return fail(EINVAL);
    if (size == 0) return who.group_count;
    if (static_cast<u32>(size) < who.group_count) return fail(EINVAL);
    for (u32 i = 0; i < who.group_count; ++i) TRY((out + i).write(who.groups[i].value));
    return who.group_count;
}

Result<> sys_setgroups(Caller& caller, u32 count, mm::UserPtr<u32> in) {
    auto& who = caller.process.credentials;
    if (!is_privileged(who)) return fail(EPERM);
    if (count > fs::Credentials::max_groups) return fail(EINVAL);
    std::array<GroupId, fs::Credentials::max_groups> groups;
    for (u32 i = 0; i < count; ++i) groups[i] = GroupId(TRY((in + i).read()));
    who.groups = groups;
    who.group_count = count;
    return {};
}

}
