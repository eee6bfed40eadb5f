// SPDX-License-Identifier: MIT
// Handlers of sockets that came after handlers.h, and what their files share.
#pragma once

#include "kernel/ipc/socket_pair.h"
#include "kernel/syscall/handlers.h"

namespace syscall {

/// struct mmsghdr of sendmmsg(2).
struct UserMessageEntry {
    UserMessage message;
    u32 size, padding;
};

/// EBADF ENOTSOCK.
Result<Ref<fs::File>> socket_of(Caller& caller, Fd fd);
/// Messages of socket pairs can tell who sends.
void register_sender();

Result<u32> sys_sendmmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags);
Result<u32> sys_recvmmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags, UserAddr timeout);
Result<> sys_setsockopt(Caller& caller, Fd fd, i32 level, i32 option, mm::UserPtr<i32> in, i32 size);

}
