// SPDX-License-Identifier: MIT
// The family of System V IPC and POSIX message queues.
#pragma once

#include <linux/mqueue.h>

#include "kernel/ipc/ids.h"
#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

inline ipc::Requester requester(Caller& caller) { return {caller.process.credentials, caller.process.pid()}; }

// ---- message_queues.cpp
CALL(i32, msgget, i32 key, u32 flags)
CALL(void, msgsnd, i32 id, UserAddr message, i64 size, u32 flags)
CALL(size_t, msgrcv, i32 id, UserAddr message, i64 size, i64 type, u32 flags)
CALL(i32, msgctl, i32 id, i32 command, UserAddr argument)

// ---- semaphores.cpp
CALL(i32, semget, i32 key, i32 count, u32 flags)
CALL(void, semop, i32 id, UserAddr operations, u32 count)
CALL(void, semtimedop, i32 id, UserAddr operations, u32 count, UserAddr timeout)
CALL(i32, semctl, i32 id, i32 number, i32 command, u64 argument)

// ---- shared_memory.cpp
CALL(i32, shmget, i32 key, u64 size, u32 flags)
CALL(UserAddr, shmat, i32 id, UserAddr address, u32 flags)
CALL(void, shmdt, UserAddr address)
CALL(i32, shmctl, i32 id, i32 command, UserAddr argument)

// ---- posix_queues.cpp
/// struct sigevent of mq_notify(2).
struct UserSignalEvent {
    u64 value;
    i32 signal, how;
    u8 padding[48];
};
CALL(Fd, mq_open, UserAddr name, u32 flags, u32 mode, mm::UserPtr<mq_attr> attributes)
CALL(void, mq_unlink, UserAddr name)
CALL(void, mq_timedsend, Fd queue, UserAddr text, u64 size, u32 priority, UserAddr deadline)
CALL(size_t, mq_timedreceive, Fd queue, UserAddr text, u64 size, mm::UserPtr<u32> priority, UserAddr deadline)
CALL(void, mq_notify, Fd queue, mm::UserPtr<UserSignalEvent> event)
CALL(void, mq_getsetattr, Fd queue, mm::UserPtr<mq_attr> to, mm::UserPtr<mq_attr> from)

}
