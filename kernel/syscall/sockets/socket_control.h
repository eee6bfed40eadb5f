// SPDX-License-Identifier: MIT
// Control messages of sendmsg(2) and recvmsg(2) on sockets: cmsg(3), unix(7).
#pragma once

#include "kernel/ipc/socket_pair.h"
#include "kernel/syscall/sockets/sockets.h"

namespace syscall {

inline constexpr u32 msg_ctrunc = 8, msg_cmsg_cloexec = 0x40000000;      // sys/socket.h

/// What a program's control buffer says. EINVAL EBADF EPERM ESRCH ENOBUFS ETOOMANYREFS EFAULT ENOMEM.
Result<ipc::Outgoing> read_control(Caller& caller, UserMessage const& header);
/// Writes a message's sender, if the socket asks for it, and descriptors for the files in it, as far as there is room; files
/// without room are dropped. Changes the header's control size and flags.
void write_control(Caller& caller, UserMessage& header, ipc::Received& received, bool tells_sender);

}
