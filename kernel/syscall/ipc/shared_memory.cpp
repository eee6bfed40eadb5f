// SPDX-License-Identifier: MIT
// System V shared memory: shmget(2) shmat(2) shmdt(2) shmctl(2).
#include "kernel/ipc/shared_memory.h"
#include "kernel/syscall/ipc/ipc.h"

namespace syscall {
namespace {

/// struct shm_info of linux/shm.h.
struct SegmentTotals {
    i32 used_ids;
    i32 padding = 0;
    u64 total_pages, resident_pages = 0, swapped_pages = 0, swap_attempts = 0, swap_successes = 0;
};

/// The address and how it is taken. EINVAL.
Result<> place(mm::MapRequest& request, UserAddr address, u32 flags) {
    using enum mm::MapRequest::Placement;
    if (address.is_null()) {
        if (flags & ipc::shm_remap) return fail(EINVAL);
        return {};
    }
    if (!address.is_page_aligned()) {
        if (!(flags & ipc::shm_rnd)) return fail(EINVAL);
        address = address.page_down();
        if (address.is_null() && (flags & ipc::shm_remap)) return fail(EINVAL);
    }
    request.address = address;
    request.placement = flags & ipc::shm_remap ? Fixed : FixedNoReplace;
    return {};
}

Result<UserAddr> attach(Caller& caller, mm::MapRequest const& request) {
    auto const start = caller.process.address_space->map(request);
    if (!start && start.error() == Errno(EEXIST)) return fail(EINVAL);
    return start;
}

Result<i32> write_totals(UserAddr out) {
    SegmentTotals totals{};
    ipc::segments.for_each([&](ipc::Segment& segment) {
        ++totals.used_ids;
        totals.total_pages += segment.segment_size() / page_size;
        totals.resident_pages += segment.resident_pages();
    });
    TRY(mm::UserPtr<SegmentTotals>(out).write(totals));
    return ipc::segments.highest_index();
}

Result<i32> write_limits(UserAddr out) {
    shminfo64 limits{};
    limits.shmmax = ipc::shmmax.load(std::memory_order_relaxed);
    limits.shmall = ipc::shmall.load(std::memory_order_relaxed);
    limits.shmmin = 1;
    limits.shmmni = limits.shmseg = ipc::shmmni.load(std::memory_order_relaxed);
    TRY(mm::UserPtr<shminfo64>(out).write(limits));
    return ipc::segments.highest_index();
}

}

Result<i32> sys_shmget(Caller& caller, i32 key, u64 size, u32 flags) {
    auto const who = requester(caller);
    return ipc::segments.get(key, flags, who, [&] { return ipc::make_segment(who, key, size, flags); },
                             [&](ipc::Segment& segment) -> Result<> {
                                 if (size > segment.size()) return fail(EINVAL);
                                 return {};
                             });
}

Result<UserAddr> sys_shmat(Caller& caller, i32 id, UserAddr address, u32 flags) {
    if (id < 0) return fail(EINVAL);
    mm::MapRequest request;
    TRY(place(request, address, flags));
    bool const writes = !(flags & ipc::shm_rdonly), executes = flags & ipc::shm_exec;
    auto const segment = TRY(ipc::segments.find(id));
    auto const who = requester(caller);
    u32 const rights = ipc::may_read_all | (writes ? ipc::may_write_all : 0) | (executes ? 0111 : 0);
    request.opening = TRY(segment->hold(who, rights));
    request.size = segment->size();
    request.protection = {true, writes, executes};
    request.max_protection.write = writes;
    request.sharing = mm::Sharing::Shared;
    request.object = segment;
    auto const start = attach(caller, request);
    segment->release_hold(who.pid);
    return start;
}

Result<> sys_shmdt(Caller& caller, UserAddr address) {
    auto const object = TRY(caller.process.address_space->detach(address));
    // What has a segment's size is a segment.
    static_cast<ipc::Segment&>(*object).set_last_user(caller.process.pid());
    return {};
}

Result<i32> sys_shmctl(Caller& caller, i32 id, i32 command, UserAddr argument) {
    if (id < 0 || command < 0) return fail(EINVAL);
    auto const who = requester(caller);
    mm::UserPtr<shmid64_ds> const out(argument);
    switch (static_cast<u32>(command)) {
    case IPC_INFO: return write_limits(argument);
    case ipc::shm_info_command: return write_totals(argument);
    case ipc::shm_stat:
    case ipc::shm_stat_any: {
        auto const segment = ipc::segments.at(static_cast<u32>(id));
        if (!segment) return fail(EINVAL);
        TRY(out.write(TRY(segment->status(who, command == static_cast<i32>(ipc::shm_stat)))));
        return segment->id;
    }
    default: break;
    }
    auto const change = command == IPC_SET ? TRY(out.read()) : shmid64_ds{};
    auto const segment = TRY(ipc::segments.find(id));
    switch (static_cast<u32>(command)) {
    case IPC_STAT: TRY(out.write(TRY(segment->status(who, true)))); return 0;
    case IPC_SET: TRY(segment->change(change, who)); return 0;
    case IPC_RMID: TRY(segment->mark_removed(who)); return 0;
    case ipc::shm_lock:
    case ipc::shm_unlock: TRY(segment->set_locked(command == static_cast<i32>(ipc::shm_lock), who)); return 0;
    default: return fail(EINVAL);
    }
}

}
