// SPDX-License-Identifier: MIT
// New processes, threads and programs, and their end: fork(2) clone(2) unshare(2) execve(2) exit(2).
#include <cstring>
#include <linux/sched.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/thread_tables.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"

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
    if (flags & CLONE_SYSVSEM) process::leave_semaphore_undos(caller.thread);
    return {};
}

Result<> sys_exit(Caller&, u32 status) { process_manager.exit_thread(static_cast<int>(status & 0xff) << 8); }
Result<> sys_exit_group(Caller&, u32 status) { process_manager.exit_group(static_cast<int>(status & 0xff) << 8); }

}
