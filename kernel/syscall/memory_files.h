// SPDX-License-Identifier: MIT
#pragma once

#include "kernel/syscall/caller.h"

namespace syscall {

Result<Fd> sys_memfd_create(Caller& caller, UserAddr name, u32 flags);

}
