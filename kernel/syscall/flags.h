// SPDX-License-Identifier: MIT
// What flags.def says, for the handlers: TRY(accepted::dup3.check(flags)).
#pragma once

#include <linux/fcntl.h>
#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/mman.h>
#include <linux/random.h>
#include <linux/sched.h>
#include <linux/stat.h>
#include <linux/wait.h>

#include <base/result.h>

#include "kernel/syscall/flag_values.h"

namespace syscall::accepted {

struct Flags {
    u64 honoured;
    int error;                                   ///< of any other bit; 0: ignored
    constexpr Result<> check(u64 flags) const {
        if (error && (flags & ~honoured)) return fail(error);
        return {};
    }
};

constexpr u64 bits(auto... flags) { return (u64{0} | ... | static_cast<u32>(flags)); }

#define FLAGS(call, argument, error, honoured, refused) inline constexpr Flags call{bits honoured, error};
#include "kernel/syscall/flags.def"
#undef FLAGS

}
