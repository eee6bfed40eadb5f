// SPDX-License-Identifier: MIT
// How threads are scheduled: sched_setscheduler(2) sched_setparam(2) sched_setattr(2) and what reads them,
// sched_rr_get_interval(2), setpriority(2). The classes are listed here; the rights are decided in
// kernel/process/scheduling.cpp. SCHED_DEADLINE is not provided: EINVAL, as on a kernel without it.
#include <algorithm>
#include <array>
#include <optional>

#include <linux/sched.h>
#include <linux/time_types.h>

#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/process/processes.h"

namespace syscall {
namespace {

using process::process_manager;
using process::SchedulingRequest;
using sched::SchedulingClass;

/// struct sched_attr of linux/sched/types.h, which does not go together with <sched.h>.
struct Attributes {
    static constexpr u32 oldest_size = 48;           ///< SCHED_ATTR_SIZE_VER0, without the two last fields
    u32 size, policy;
    u64 flags;
    i32 nice;
    u32 priority;
    u64 runtime, deadline, period;
    u32 utilisation_min, utilisation_max;
};
static_assert(sizeof(Attributes) == 56);             // SCHED_ATTR_SIZE_VER1

constexpr u64 known_flags = SCHED_FLAG_RESET_ON_FORK | SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN | SCHED_FLAG_KEEP_ALL |
                            SCHED_FLAG_UTIL_CLAMP;

Result<SchedulingClass> class_of(i32 policy) {
    switch (policy) {
    case SCHED_NORMAL: case SCHED_FIFO: case SCHED_RR: case SCHED_BATCH: case SCHED_IDLE: return static_cast<SchedulingClass>(policy);
    default: return fail(EINVAL);
    }
}

constexpr i32 policy_of(sched::Parameters const& parameters) { return static_cast<i32>(parameters.scheduling_class); }

/// The program's size of struct sched_attr (sched_setattr(2)); with E2BIG the kernel's size is written there.
Result<u32> attribute_size(UserAddr from) {
    u32 const size = TRY(mm::UserPtr<u32>(from).read());
    if (size == 0) return Attributes::oldest_size;
    if (size >= Attributes::oldest_size && size <= page_size) return size;
    TRY(mm::UserPtr<u32>(from).write(sizeof(Attributes)));
    return fail(E2BIG);
}

/// What lies behind the fields that we know must be 0: a newer program asks for nothing newer. EFAULT E2BIG.
Result<> check_rest(UserAddr from, u32 size) {
    std::array<std::byte, 64> bytes;
    for (u64 at = sizeof(Attributes); at < size; at += bytes.size()) {
        std::span const part(bytes.data(), std::min<u64>(bytes.size(), size - at));
        TRY(mm::UserPtr<std::byte>(from + at).read_array(part));
        if (std::ranges::all_of(part, [](std::byte byte) { return byte == std::byte{}; })) continue;
        TRY(mm::UserPtr<u32>(from).write(sizeof(Attributes)));
        return fail(E2BIG);
    }
    return {};
}

Result<Attributes> read_attributes(UserAddr from) {
    u32 const size = TRY(attribute_size(from));
    TRY(check_rest(from, size));
    Attributes attributes{};
    std::span const bytes(reinterpret_cast<std::byte*>(&attributes), std::min<size_t>(size, sizeof attributes));
    TRY(mm::UserPtr<std::byte>(from).read_array(bytes));
    if ((attributes.flags & SCHED_FLAG_UTIL_CLAMP) && size < sizeof attributes) return fail(EINVAL);
    attributes.nice = std::clamp(attributes.nice, sched::nice_min, sched::nice_max);
    return attributes;
}

Result<process::NiceTarget> nice_target(i32 which, i32 id) {
    using Who = process::NiceTarget::Who;
    constexpr i32 of_process = 0, of_group = 1, of_user = 2;   // PRIO_PROCESS, which means a thread, PRIO_PGRP, PRIO_USER
    if (which < of_process || which > of_user) return fail(EINVAL);
    return process::NiceTarget{which == of_process ? Who::Thread : which == of_group ? Who::Group : Who::User, id};
}

}

Result<i32> sys_getpriority(Caller&, i32 which, i32 id) {
    return 20 - TRY(process_manager.lowest_nice(TRY(nice_target(which, id))));
}

Result<> sys_setpriority(Caller&, i32 which, i32 id, i32 nice) {
    return process_manager.set_nice(TRY(nice_target(which, id)), std::clamp(nice, sched::nice_min, sched::nice_max));
}

Result<> sys_sched_setscheduler(Caller&, Pid tid, i32 policy, mm::UserPtr<i32> priority) {
    if (policy < 0 || priority.is_null() || tid.value < 0) return fail(EINVAL);
    SchedulingRequest request;
    request.realtime_priority = TRY(priority.read());
    TRY(process_manager.scheduling(tid));   // ESRCH comes before EINVAL
    request.reset_on_fork = (policy & SCHED_RESET_ON_FORK) != 0;
    request.scheduling_class = TRY(class_of(policy & ~SCHED_RESET_ON_FORK));
    return process_manager.set_scheduling(tid, request);
}

Result<> sys_sched_setparam(Caller&, Pid tid, mm::UserPtr<i32> priority) {
    if (priority.is_null() || tid.value < 0) return fail(EINVAL);
    SchedulingRequest request;
    request.realtime_priority = TRY(priority.read());
    return process_manager.set_scheduling(tid, request);
}

Result<i32> sys_sched_getscheduler(Caller&, Pid tid) {
    if (tid.value < 0) return fail(EINVAL);
    auto const parameters = TRY(process_manager.scheduling(tid));
    return policy_of(parameters) | (parameters.reset_on_fork ? SCHED_RESET_ON_FORK : 0);
}

Result<> sys_sched_getparam(Caller&, Pid tid, mm::UserPtr<i32> priority) {
    if (priority.is_null() || tid.value < 0) return fail(EINVAL);
    return priority.write(TRY(process_manager.scheduling(tid)).realtime_priority);
}

// A policy without priorities may be asked, whether it is provided or not.
Result<i32> sys_sched_get_priority_max(Caller&, i32 policy) { return policy != SCHED_DEADLINE && is_realtime(TRY(class_of(policy))) ? 99 : 0; }
Result<i32> sys_sched_get_priority_min(Caller&, i32 policy) { return policy != SCHED_DEADLINE && is_realtime(TRY(class_of(policy))) ? 1 : 0; }

Result<> sys_sched_rr_get_interval(Caller&, Pid tid, UserAddr out) {
    if (tid.value < 0) return fail(EINVAL);
    u64 const slice_ns = TRY(process_manager.time_slice_ns(tid));
    __kernel_timespec const interval{static_cast<i64>(slice_ns / ns_per_s), static_cast<i64>(slice_ns % ns_per_s)};
    return mm::UserPtr<__kernel_timespec>(out).write(interval);
}

Result<> sys_sched_setattr(Caller&, Pid tid, UserAddr from, u32 flags) {
    if (from.is_null() || tid.value < 0 || flags != 0) return fail(EINVAL);
    Attributes const attributes = TRY(read_attributes(from));
    auto const policy = static_cast<i32>(attributes.policy);
    if (policy < 0) return fail(EINVAL);
    TRY(process_manager.scheduling(tid));   // ESRCH comes before what follows
    SchedulingRequest request;
    bool const keeps_parameters = (attributes.flags & SCHED_FLAG_KEEP_PARAMS) != 0;   // and the class with them, in Linux
    if (!(attributes.flags & SCHED_FLAG_KEEP_POLICY)) {
        SchedulingClass const wanted = TRY(class_of(policy));
        if (!keeps_parameters) request.scheduling_class = wanted;
        request.reset_on_fork = (attributes.flags & SCHED_FLAG_RESET_ON_FORK) != 0;
    }
    if (attributes.flags & ~known_flags) return fail(EINVAL);
    if (!keeps_parameters) {
        if (attributes.priority > 99) return fail(EINVAL);
        request.realtime_priority = static_cast<int>(attributes.priority);
        request.nice = attributes.nice;
    }
    request.clamps_utilisation = (attributes.flags & SCHED_FLAG_UTIL_CLAMP) != 0;
    return process_manager.set_scheduling(tid, request);
}

Result<> sys_sched_getattr(Caller&, Pid tid, UserAddr out, u32 size, u32 flags) {
    if (out.is_null() || tid.value < 0 || size > page_size || size < Attributes::oldest_size || flags != 0) return fail(EINVAL);
    auto const parameters = TRY(process_manager.scheduling(tid));
    Attributes attributes{};
    attributes.size = std::min<u32>(size, sizeof attributes);
    attributes.policy = static_cast<u32>(policy_of(parameters));
    if (parameters.reset_on_fork) attributes.flags |= SCHED_FLAG_RESET_ON_FORK;
    if (is_realtime(parameters.scheduling_class)) attributes.priority = parameters.realtime_priority;
    else attributes.nice = parameters.nice;
    return mm::UserPtr<std::byte>(out).write_array({reinterpret_cast<std::byte const*>(&attributes), attributes.size});
}

}
