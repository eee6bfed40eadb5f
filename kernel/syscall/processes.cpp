// SPDX-License-Identifier: MIT
// Processes: fork(2) clone(2) execve(2) exit(2) wait4(2) getpid(2) setpgid(2) prctl(2)
// getrlimit(2) getrusage(2), and the scheduling calls that need no policy of their own.
#include <algorithm>
#include <cstring>

#include <abi/signal.h>
#include <asm/prctl.h>
#include <asm/resource.h>
#include <linux/prctl.h>
#include <linux/sched.h>

#include "kernel/process/pid_file.h"
#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/thread_tables.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/handlers.h"
#include "sched/scheduler.h"

namespace syscall {

using process::process_manager;

Result<Pid> sys_fork(Caller& caller) { return process_manager.clone({}, caller.frame); }

Result<Pid> sys_vfork(Caller& caller) {
    process::CloneRequest request;
    request.flags = CLONE_VM | CLONE_VFORK;
    return process_manager.clone(request, caller.frame);
}

Result<Pid> sys_clone(Caller& caller, u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls) {
    TRY(accepted::clone.check(flags));
    process::CloneRequest request;
    request.flags = flags & ~static_cast<u64>(CSIGNAL);
    request.exit_signal = static_cast<int>(flags & CSIGNAL);
    request.stack = stack;
    request.tls = tls;
    request.parent_tid = parent_tid;
    request.child_tid = child_tid;
    return process_manager.clone(request, caller.frame);
}

Result<Pid> sys_clone3(Caller& caller, UserAddr arguments, u64 size) {
    if (size < CLONE_ARGS_SIZE_VER0) return fail(EINVAL);
    if (size > page_size) return fail(E2BIG);
    clone_args in{};
    std::span<std::byte> const bytes(reinterpret_cast<std::byte*>(&in), sizeof in);
    TRY(mm::UserPtr<std::byte>(arguments).read_array(bytes.first(std::min(size, sizeof in))));
    // A field that this kernel does not know must be zero (clone3(2)).
    for (u64 i = sizeof in; i < size; ++i)
        if (TRY(mm::UserPtr<u8>(arguments + i).read())) return fail(E2BIG);
    if ((in.flags & (CSIGNAL | CLONE_DETACHED)) || in.exit_signal > static_cast<u64>(process::signal_count)) return fail(EINVAL);
    if ((in.flags & (CLONE_THREAD | CLONE_PARENT)) && in.exit_signal) return fail(EINVAL);
    if (in.pidfd && (in.flags & CLONE_PIDFD)) return fail(EINVAL);
    if (in.set_tid || in.set_tid_size || in.cgroup || (in.stack == 0) != (in.stack_size == 0)) return fail(EINVAL);
    process::CloneRequest request;
    request.flags = in.flags;
    request.exit_signal = static_cast<int>(in.exit_signal);
    request.stack = in.stack + in.stack_size;
    request.tls = in.tls;
    request.parent_tid = in.parent_tid;
    request.child_tid = in.child_tid;
    return process_manager.clone(request, caller.frame);
}

Result<u64> sys_execve(Caller& caller, UserAddr path_address, u64 argv, u64 envp) {
    {
        UserPath buffer;
        auto const path = TRY(buffer.read(path_address));
        TRY(process_manager.check_task_count(caller.thread));
        if (path.empty()) return fail(ENOENT);
        TRY(process_manager.execute(path, argv, envp, caller.frame));
    }
    return caller.frame.rax;
}

Result<> sys_unshare(Caller& caller, u32 flags) {
    TRY(accepted::unshare.check(flags));
    bool const leaves_process = flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM);
    if (leaves_process && caller.process.has_several_threads()) return fail(EINVAL);
    if ((flags & CLONE_VM) && caller.process.address_space->reference_count() > 1) return fail(EINVAL);
    if (flags & CLONE_FS) TRY(process::unshare_names(caller.thread));
    if (flags & CLONE_FILES) TRY(process::unshare_descriptors(caller.thread));
    return {};
}

Result<> sys_exit(Caller&, u32 status) { process_manager.exit_thread(static_cast<int>(status & 0xff) << 8); }
Result<> sys_exit_group(Caller&, u32 status) { process_manager.exit_group(static_cast<int>(status & 0xff) << 8); }

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
        process::TreeGuard guard(process::tree_lock);
        usage = caller.process.children_usage;
    } else return fail(EINVAL);
    return mm::UserPtr<UserUsage>(out).write(encode(usage));
}

Result<Pid> sys_getpid(Caller& caller) { return caller.process.pid(); }
Result<Pid> sys_gettid(Caller& caller) { return caller.thread.tid; }
Result<Pid> sys_getppid(Caller& caller) {
    process::TreeGuard guard(process::tree_lock);
    return caller.process.parent ? caller.process.parent->pid() : Pid(0);
}
Result<> sys_setpgid(Caller&, Pid pid, Pid group) { return process_manager.set_group(pid, group); }
Result<Pid> sys_getpgid(Caller&, Pid pid) { return process_manager.get_group(pid); }
Result<Pid> sys_getpgrp(Caller&) { return process_manager.get_group(Pid(0)); }
Result<Pid> sys_setsid(Caller&) { return process_manager.new_session(); }
Result<Pid> sys_getsid(Caller&, Pid pid) { return process_manager.get_session(pid); }

Result<Pid> sys_set_tid_address(Caller& caller, UserAddr address) {
    caller.thread.clear_child_tid = address;
    return caller.thread.tid;
}

Result<> sys_arch_prctl(Caller& caller, u32 code, u64 address) {
    TRY(accepted::arch_prctl.check(code));
    switch (code) {
    case ARCH_SET_FS:
    case ARCH_SET_GS:
        if (address >= arch::user_space_end) return fail(EPERM);
        if (code == ARCH_SET_FS) arch::set_fs_base(caller.thread.context, address);
        else arch::set_gs_base(caller.thread.context, address);
        return {};
    case ARCH_GET_FS: return mm::UserPtr<u64>(address).write(arch::get_fs_base(caller.thread.context));
    case ARCH_GET_GS: return mm::UserPtr<u64>(address).write(arch::get_gs_base(caller.thread.context));
    default: return fail(EINVAL);
    }
}

Result<i64> sys_prctl(Caller& caller, u32 option, u64 argument, u64 third, u64 fourth, u64 fifth) {
    TRY(accepted::prctl.check(option));
    auto& process = caller.process;
    switch (option) {
    case PR_SET_NAME: {
        char name[sched::Thread::name_capacity];
        i64 const length = arch::copy_string_from_user(name, UserAddr(argument), sizeof name - 1);
        if (length < 0) return fail(EFAULT);
        std::string_view const text(name, static_cast<size_t>(length));
        caller.thread.set_name(text);
        if (caller.thread.is_leader()) process.set_name(text);
        return 0;
    }
    case PR_GET_NAME: {
        char name[sched::Thread::name_capacity] = {};
        std::memcpy(name, caller.thread.name, sizeof name - 1);
        TRY(mm::UserPtr<char>(argument).write_array(name));
        return 0;
    }
    case PR_GET_DUMPABLE: return process.dumpable;
    case PR_SET_DUMPABLE: {
        if (argument > 1) return fail(EINVAL);
        process::Process::StateGuard guard(process.state_lock);
        process.dumpable = argument;
        return 0;
    }
    case PR_SET_PDEATHSIG: {
        if (argument > static_cast<u64>(process::signal_count)) return fail(EINVAL);
        process::TreeGuard guard(process::tree_lock);
        caller.thread.parent_death_signal = static_cast<int>(argument);
        process.asks_parents_death |= argument != 0;
        return 0;
    }
    case PR_GET_PDEATHSIG: {
        i32 signal;
        {
            process::TreeGuard guard(process::tree_lock);
            signal = caller.thread.parent_death_signal;
        }
        TRY(mm::UserPtr<i32>(argument).write(signal));
        return 0;
    }
    case PR_SET_CHILD_SUBREAPER: {
        process::TreeGuard guard(process::tree_lock);
        process.is_subreaper = argument != 0;
        return 0;
    }
    case PR_GET_CHILD_SUBREAPER: {
        i32 is_subreaper;
        {
            process::TreeGuard guard(process::tree_lock);
            is_subreaper = process.is_subreaper;
        }
        TRY(mm::UserPtr<i32>(argument).write(is_subreaper));
        return 0;
    }
    case PR_GET_NO_NEW_PRIVS:
        if (argument || third || fourth || fifth) return fail(EINVAL);
        return process.no_new_privileges;
    case PR_SET_NO_NEW_PRIVS:
        if (argument != 1 || third || fourth || fifth) return fail(EINVAL);
        process.no_new_privileges = true;
        return 0;
    default: return fail(EINVAL);
    }
}

Result<u64> sys_personality(Caller& caller, u32 persona) {
    constexpr u32 ask = 0xffffffff;
    u32 const old = caller.thread.personality;
    if (persona != ask) caller.thread.personality = persona;
    return old;
}

namespace {

/// Asks for the right to it and does it in one hold of the lock under which the target changes what it is. `replacement` null: only asks
/// what there is, which becomes `old`.
Result<> exchange_limit(Caller& caller, process::Process& target, u32 resource, process::ResourceLimit const* replacement, process::ResourceLimit& old) {
    process::Process::StateGuard guard(target.state_lock);
    TRY(process::may_change_limits(caller.process, target));
    decltype(target.limits_lock)::Guard limits_guard(target.limits_lock);
    auto& limit = target.limits[resource];
    if (replacement && replacement->hard > limit.hard && !caller.process.credentials.is_privileged()) return fail(EPERM);
    old = limit;
    if (replacement) limit = *replacement;
    return {};
}

Result<> set_limit(Caller& caller, process::Process& target, u32 resource, process::ResourceLimit const& wanted, process::ResourceLimit& old) {
    if (wanted.soft > wanted.hard) return fail(EINVAL);
    if (resource == RLIMIT_NOFILE && wanted.hard > (1u << 20)) return fail(EPERM);
    sync::Mutex<LockRank::execve>::Guard guard(target.memory_limits_lock);
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

Result<> sys_sched_yield(Caller&) {
    sched::scheduler.yield();
    return {};
}

}
