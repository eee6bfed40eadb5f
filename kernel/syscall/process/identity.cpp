// SPDX-License-Identifier: MIT
// getuid(2), setuid(2) and related calls, getgroups(2): who a process is. What may become what is decided in
// kernel/process/identity.cpp.
#include <array>

#include "kernel/process/identity.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/process/processes.h"

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

Result<> sys_setuid(Caller& caller, u32 uid) { return process::set_id(caller.thread, process::IdKind::User, uid); }
Result<> sys_setgid(Caller& caller, u32 gid) { return process::set_id(caller.thread, process::IdKind::Group, gid); }
Result<> sys_setreuid(Caller& caller, u32 real, u32 effective) {
    return process::set_two_ids(caller.thread, process::IdKind::User, real, effective);
}
Result<> sys_setregid(Caller& caller, u32 real, u32 effective) {
    return process::set_two_ids(caller.thread, process::IdKind::Group, real, effective);
}
Result<> sys_setresuid(Caller& caller, u32 real, u32 effective, u32 saved) {
    return process::set_three_ids(caller.thread, process::IdKind::User, real, effective, saved);
}
Result<> sys_setresgid(Caller& caller, u32 real, u32 effective, u32 saved) {
    return process::set_three_ids(caller.thread, process::IdKind::Group, real, effective, saved);
}
Result<u32> sys_setfsuid(Caller& caller, u32 uid) { return process::set_file_id(caller.thread, process::IdKind::User, uid); }
Result<u32> sys_setfsgid(Caller& caller, u32 gid) { return process::set_file_id(caller.thread, process::IdKind::Group, gid); }

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
        if (list[i] == process::unchanged_id) return fail(EINVAL);
    }
    return process::set_groups(caller.thread, std::span(list).first(count));
}

}
