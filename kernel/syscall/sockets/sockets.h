// SPDX-License-Identifier: MIT
// The family of sockets.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

// ---- sockets.cpp
/// struct msghdr of sendmsg(2).
struct UserMessage {
    u64 name;
    u32 name_size, padding;
    u64 vector, count, control, control_size;
    u32 flags, more_padding;
};
/// struct mmsghdr of sendmmsg(2).
struct UserMessageEntry {
    UserMessage message;
    u32 size, padding;
};

/// EBADF ENOTSOCK.
Result<Ref<fs::File>> socket_of(Caller& caller, Fd fd);
/// Called once at boot: messages of socket pairs can carry their sender's credentials from then on.
void register_sender();
CALL(Fd, socket, u32 domain, u32 type, u32 protocol)
CALL(void, socketpair, u32 domain, u32 type, u32 protocol, mm::UserPtr<i32> out)
CALL(size_t, sendto, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, u32 name_size)
CALL(size_t, recvfrom, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, mm::UserPtr<i32> name_size)
CALL(size_t, sendmsg, Fd fd, mm::UserPtr<UserMessage> message, u32 flags)
CALL(size_t, recvmsg, Fd fd, mm::UserPtr<UserMessage> message, u32 flags)
CALL(void, shutdown, Fd fd, i32 how)
CALL(u32, sendmmsg, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags)
CALL(u32, recvmmsg, Fd fd, mm::UserPtr<UserMessageEntry> messages, u32 count, u32 flags, UserAddr timeout)

// ---- socket_options.cpp
CALL(void, getsockopt, Fd fd, i32 level, i32 option, mm::UserPtr<i32> out, mm::UserPtr<i32> size)
CALL(void, setsockopt, Fd fd, i32 level, i32 option, mm::UserPtr<i32> in, i32 size)

}
