// SPDX-License-Identifier: MIT
// What flags.def says, for the handlers: TRY(accepted::dup3.check(flags)), TRY(accepted::fcntl.check(command)).
#pragma once

#include <array>

#include <asm/prctl.h>
#include <linux/fcntl.h>
#include <linux/close_range.h>
#include <linux/eventpoll.h>
#include <linux/fs.h>
#include <linux/futex.h>
#include <linux/mman.h>
#include <linux/prctl.h>
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

template <size_t count>
struct Commands {
    std::array<u32, count> honoured;
    int error;                                   ///< of any other
    constexpr Result<> check(u32 command) const {
        for (u32 one : honoured) if (one == command) return {};
        return fail(error);
    }
};

template <size_t count>
Commands(std::array<u32, count>, int) -> Commands<count>;

constexpr auto one_of(auto... commands) { return std::array{static_cast<u32>(commands)...}; }

#define FLAGS(call, argument, error, honoured, refused) inline constexpr Flags call{bits honoured, error};
#define COMMANDS(call, argument, error, honoured) inline constexpr Commands call{one_of honoured, error};
#define FIELD(call, name, honoured)
#include "kernel/syscall/flags.def"
#undef FLAGS
#undef COMMANDS
#undef FIELD

}
