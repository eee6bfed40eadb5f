// SPDX-License-Identifier: MIT
// The family of calls about the machine as a whole: its name, its log, its end, chance.
#pragma once

#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

// ---- system.cpp
CALL(void, uname, UserAddr out)
CALL(void, sethostname, UserAddr from, i32 size)
CALL(void, setdomainname, UserAddr from, i32 size)
CALL(void, sysinfo, UserAddr out)
CALL(size_t, getrandom, UserAddr out, u64 size, u32 flags)
CALL(void, getcpu, mm::UserPtr<u32> cpu, mm::UserPtr<u32> node)
CALL(void, reboot, u32 magic1, u32 magic2, u32 command)
CALL(i64, syslog, i32 type, UserAddr out, i32 size)

}
