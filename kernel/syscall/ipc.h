// SPDX-License-Identifier: MIT
// Handlers of System V IPC, beside handlers.h.
#pragma once

#include "kernel/ipc/ids.h"
#include "kernel/syscall/arguments.h"

namespace syscall {

inline ipc::Requester requester(Caller& caller) { return {caller.process.credentials, caller.process.pid()}; }

// ---- message_queues.cpp
Result<i32> sys_msgget(Caller& caller, i32 key, u32 flags);
Result<> sys_msgsnd(Caller& caller, i32 id, UserAddr message, i64 size, u32 flags);
Result<size_t> sys_msgrcv(Caller& caller, i32 id, UserAddr message, i64 size, i64 type, u32 flags);
Result<i32> sys_msgctl(Caller& caller, i32 id, i32 command, UserAddr argument);

// ---- semaphores.cpp
Result<i32> sys_semget(Caller& caller, i32 key, i32 count, u32 flags);
Result<> sys_semop(Caller& caller, i32 id, UserAddr operations, u32 count);
Result<> sys_semtimedop(Caller& caller, i32 id, UserAddr operations, u32 count, UserAddr timeout);
Result<i32> sys_semctl(Caller& caller, i32 id, i32 number, i32 command, u64 argument);

// ---- shared_memory.cpp
Result<i32> sys_shmget(Caller& caller, i32 key, u64 size, u32 flags);
Result<UserAddr> sys_shmat(Caller& caller, i32 id, UserAddr address, u32 flags);
Result<> sys_shmdt(Caller& caller, UserAddr address);
Result<i32> sys_shmctl(Caller& caller, i32 id, i32 command, UserAddr argument);

}
