// SPDX-License-Identifier: MIT
// Handlers of POSIX message queues, beside handlers.h.
#pragma once

#include <linux/mqueue.h>

#include "kernel/syscall/caller.h"

namespace syscall {

/// struct sigevent of mq_notify(2).
struct UserSignalEvent {
    u64 value;
    i32 signal, how;
    u8 padding[48];
};

Result<Fd> sys_mq_open(Caller& caller, UserAddr name, u32 flags, u32 mode, mm::UserPtr<mq_attr> attributes);
Result<> sys_mq_unlink(Caller& caller, UserAddr name);
Result<> sys_mq_timedsend(Caller& caller, Fd queue, UserAddr text, u64 size, u32 priority, UserAddr deadline);
Result<size_t> sys_mq_timedreceive(Caller& caller, Fd queue, UserAddr text, u64 size, mm::UserPtr<u32> priority, UserAddr deadline);
Result<> sys_mq_notify(Caller& caller, Fd queue, mm::UserPtr<UserSignalEvent> event);
Result<> sys_mq_getsetattr(Caller& caller, Fd queue, mm::UserPtr<mq_attr> to, mm::UserPtr<mq_attr> from);

}
