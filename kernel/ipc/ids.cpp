// SPDX-License-Identifier: MIT
// Owner and rights of System V IPC objects: sysvipc(7), "Resource access permissions". All of it is used with the object's lock
// held.
#include "kernel/ipc/ids.h"

#include "sched/clock.h"

namespace ipc {

i64 now_seconds() { return static_cast<i64>(sched::clock.realtime_ns() / ns_per_s); }

Identity::Identity(Requester const& who, u32 flags)
    : uid(who.credentials.effective_uid), creator_uid(uid), gid(who.credentials.effective_gid), creator_gid(gid),
      mode(flags & permission_bits), changed_s(now_seconds()) {}

Result<> Identity::permit(Requester const& who, u32 wanted) const {
    if (who.is_superuser()) return {};
    auto const& c = who.credentials;
    u32 granted = mode;
    if (c.effective_uid == creator_uid || c.effective_uid == uid) granted >>= 6;
    else if (c.in_group(creator_gid) || c.in_group(gid)) granted >>= 3;
    if ((wanted >> 6 | wanted >> 3 | wanted) & ~granted & 7) return fail(EACCES);
    return {};
}

Result<> Identity::permit_control(Requester const& who) const {
    UserId const user = who.credentials.effective_uid;
    if (user != uid && user != creator_uid && !who.is_superuser()) return fail(EPERM);
    return {};
}

ipc64_perm Identity::describe() const {
    ipc64_perm out{};
    out.key = key;
    out.uid = uid.value;
    out.gid = gid.value;
    out.cuid = creator_uid.value;
    out.cgid = creator_gid.value;
    out.mode = static_cast<__kernel_mode_t>(mode);
    out.seq = static_cast<unsigned short>(id / id_slots);
    return out;
}

Result<> Identity::change(ipc64_perm const& to) {
    constexpr u32 nobody_at_all = ~u32{0};
    if (to.uid == nobody_at_all || to.gid == nobody_at_all) return fail(EINVAL);
    uid = UserId(to.uid);
    gid = GroupId(to.gid);
    mode = (mode & ~permission_bits) | (to.mode & permission_bits);
    changed_s = now_seconds();
    return {};
}

}
