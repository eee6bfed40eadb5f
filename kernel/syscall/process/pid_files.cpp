// SPDX-License-Identifier: MIT
// pidfd_open(2) pidfd_send_signal(2).
#include "kernel/process/pid_file.h"

#include <abi/signal.h>

#include "kernel/process/process_manager.h"
#include "kernel/process/rights.h"
#include "kernel/process/signal/signal.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"

namespace syscall {

Result<Fd> sys_pidfd_open(Caller& caller, Pid pid, u32 flags) {
    TRY(accepted::pidfd_open.check(flags));
    if (pid.value <= 0) return fail(EINVAL);
    auto process = process::process_manager.find(pid);
    if (!process) return fail(ESRCH);
    auto file = TRY(process::make_pid_file(std::move(process), flags, caller.process.credentials));
    return caller.thread.descriptors->add(std::move(file), fs::CloseOnExec::Yes, descriptor_limit(caller));
}

Result<> sys_pidfd_send_signal(Caller& caller, Fd fd, i32 signal, UserAddr info_address, u32 flags) {
    TRY(accepted::pidfd_send_signal.check(flags));
    auto const file = TRY(usable_file(caller, fd));
    Ref<process::Process> const directory = process::process_of_directory(*file);
    process::Process* const target = directory ? directory.get() : process::process_of(*file);
    if (!target) return fail(EBADF);
    process::SignalInfo info;
    info.signal = signal;
    info.pid = caller.process.pid().value;
    info.uid = caller.process.credentials.real_uid.value;
    if (!info_address.is_null()) {
        info = TRY(read_info(caller, target->pid(), signal, info_address));
        if (TRY(mm::UserPtr<i32>(info_address).read()) != signal) return fail(EINVAL);
    }
    if (signal < 0 || signal > process::signal_count) return fail(EINVAL);
    if (target->state.load(std::memory_order_acquire) == process::ProcessState::Reaped) return fail(ESRCH);
    TRY(process::may_signal(caller.process, *target, signal));
    return process::queue_to_process(*target, info);
}

}
