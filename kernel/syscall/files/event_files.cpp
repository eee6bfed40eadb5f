// SPDX-License-Identifier: MIT
// Files that tell of events: eventfd(2).
#include "kernel/ipc/event_file.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/flags.h"

namespace syscall {
Result<Fd> sys_eventfd2(Caller& caller, u32 initial, u32 flags) {
    TRY(accepted::eventfd2.check(flags));
    auto const reads = flags & EFD_SEMAPHORE ? ipc::EventReads::One : ipc::EventReads::All;
    auto file = TRY(ipc::make_event_file(initial, reads, flags, caller.process.credentials));
    auto const on_exec = flags & EFD_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No;
    return caller.thread.descriptors->add(std::move(file), on_exec, descriptor_limit(caller));
}

Result<Fd> sys_eventfd(Caller& caller, u32 initial) { return sys_eventfd2(caller, initial, 0); }

}
