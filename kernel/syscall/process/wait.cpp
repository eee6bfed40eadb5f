// SPDX-License-Identifier: MIT
// What became of children: wait4(2) waitid(2); and what was used: getrusage(2).
#include <abi/signal.h>

#include "kernel/process/pid_file.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"

namespace syscall {

using process::process_manager;

namespace {

constexpr u32 wait_no_hang = 1, wait_stopped = 2, wait_exited = 4, wait_continued = 8, wait_no_reap = 0x01000000;

/// __WNOTHREAD, __WCLONE, __WALL: of children of which kind the call is.
void choose_kind(process::WaitRequest& request, u32 options) {
    request.of_thread = options & __WNOTHREAD;
    request.of_any_kind = options & __WALL;
    request.by_clone = options & __WCLONE;
}

/// struct rusage of the UAPI (<linux/resource.h> clashes with the C library's time headers).
struct UserUsage {
    i64 user[2], system[2];
    i64 max_resident, unused1[3], minor_faults, major_faults, unused2[6], voluntary, involuntary;
};
static_assert(sizeof(UserUsage) == 144);

UserUsage encode(process::ResourceUsage const& usage) {
    UserUsage out{};
    out.user[0] = static_cast<i64>(usage.user_ns / ns_per_s);
    out.user[1] = static_cast<i64>(usage.user_ns % ns_per_s / ns_per_us);
    out.system[0] = static_cast<i64>(usage.system_ns / ns_per_s);
    out.system[1] = static_cast<i64>(usage.system_ns % ns_per_s / ns_per_us);
    out.max_resident = static_cast<i64>(usage.max_resident_kib);
    out.minor_faults = static_cast<i64>(usage.minor_faults);
    out.major_faults = static_cast<i64>(usage.major_faults);
    out.voluntary = static_cast<i64>(usage.voluntary);
    out.involuntary = static_cast<i64>(usage.involuntary);
    return out;
}

}

Result<Pid> sys_wait4(Caller&, i32 pid, mm::UserPtr<i32> status, u32 options, UserAddr usage) {
    TRY(accepted::wait4.check(options));
    if (pid == INT32_MIN) return fail(ESRCH);
    process::WaitRequest request;
    using enum process::WaitRequest::Who;
    request.who = pid == -1 ? Any : pid > 0 ? Process : Group;
    request.id = Pid(pid > 0 ? pid : pid == -1 ? 0 : -pid);
    choose_kind(request, options);
    request.no_hang = options & wait_no_hang;
    request.stopped = options & wait_stopped;
    request.continued = options & wait_continued;
    auto const result = TRY(process_manager.wait(request));
    if (result.pid.value == 0) return result.pid;
    if (!status.is_null()) TRY(status.write(result.status));
    if (!usage.is_null()) TRY(mm::UserPtr<UserUsage>(usage).write(encode(result.usage)));
    return result.pid;
}

namespace {

/// What waitid(2) tells, from a wait4 status.
void describe(process::WaitResult const& result, process::SignalInfo& info) {
    info.signal = SIGCHLD;
    info.pid = result.pid.value;
    info.uid = result.uid.value;
    int const status = result.status;
    if (status == 0xffff) { info.code = CLD_CONTINUED; info.status = SIGCONT; }
    else if ((status & 0xff) == 0x7f) { info.code = CLD_STOPPED; info.status = status >> 8 & 0xff; }
    else if ((status & 0x7f) == 0) { info.code = CLD_EXITED; info.status = status >> 8 & 0xff; }
    else { info.code = status & 0x80 ? CLD_DUMPED : CLD_KILLED; info.status = status & 0x7f; }
}

}

Result<> sys_waitid(Caller& caller, u32 which, i32 id, UserAddr out, u32 options, UserAddr usage) {
    constexpr u32 any = 0, by_process = 1, by_group = 2, by_file = 3;
    TRY(accepted::waitid.check(options));
    if (!(options & (wait_exited | wait_stopped | wait_continued)) || which > by_file) return fail(EINVAL);
    if ((which == by_process && id <= 0) || (which == by_group && id < 0)) return fail(EINVAL);
    bool waits_never = false;                    // PIDFD_NONBLOCK
    if (which == by_file) {
        if (id < 0) return fail(EINVAL);
        auto const file = TRY(usable_file(caller, Fd(id)));
        process::Process const* const child = process::process_of(*file);
        if (!child) return fail(EBADF);
        if (child->state.load(std::memory_order_acquire) == process::ProcessState::Reaped) return fail(ECHILD);
        id = child->pid().value;
        which = by_process;
        waits_never = (file->flags() & O_NONBLOCK) && !(options & wait_no_hang);
    }
    process::WaitRequest request;
    using enum process::WaitRequest::Who;
    request.who = which == any ? Any : which == by_process ? Process : Group;
    request.id = Pid(which == any ? 0 : id);
    choose_kind(request, options);
    request.no_hang = waits_never || (options & wait_no_hang);
    request.exited = options & wait_exited;
    request.stopped = options & wait_stopped;
    request.continued = options & wait_continued;
    request.no_reap = options & wait_no_reap;
    auto const result = TRY(process_manager.wait(request));
    if (waits_never && result.pid.value == 0) return fail(EAGAIN);
    if (!usage.is_null()) TRY(mm::UserPtr<UserUsage>(usage).write(encode(result.usage)));
    if (out.is_null()) return {};
    process::SignalInfo info;
    std::array<std::byte, 128> bytes{};
    if (result.pid.value) {
        describe(result, info);
        process::encode_signal_info(info, bytes);
    }
    return mm::UserPtr<std::byte>(out).write_array(bytes);
}

Result<> sys_getrusage(Caller& caller, i32 who, UserAddr out) {
    constexpr i32 of_self = 0, of_children = -1, of_thread = 1;
    process::ResourceUsage usage;
    if (who == of_self) usage = caller.process.usage_with_memory();
    else if (who == of_thread) {
        usage.max_resident_kib = caller.process.usage_with_memory().max_resident_kib;   // as Linux: memory is no thread's own
        usage.add(caller.thread);
    }
    else if (who == of_children) {
        Locked guard(process::tree_lock);
        usage = caller.process.children_usage;
    } else return fail(EINVAL);
    return mm::UserPtr<UserUsage>(out).write(encode(usage));
}

}
