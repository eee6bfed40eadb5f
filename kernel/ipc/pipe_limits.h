// SPDX-License-Identifier: MIT
// How large pipes may be, and how much of them a user may have: pipe(7), /proc/sys/fs/pipe-*.
#pragma once

#include <atomic>

#include "kernel/fs/credentials.h"

namespace ipc {

// Ordering of all: relaxed, numbers alone.
/// Bytes of one pipe, for who has no privilege.
extern constinit std::atomic<u32> pipe_max_size;
/// Pages of all pipes of a user; 0: no limit. Beyond the soft one new pipes get two pages and none grows, beyond the hard one
/// there are no new pipes.
extern constinit std::atomic<u64> pipe_user_pages_soft, pipe_user_pages_hard;

/// /proc/sys/fs/pipe-*. Called once from main.
Result<> register_pipe_limits();

/// Pages that the user of a pipe may have after it has grown.
u64 most_pipe_pages(bool privileged);
/// Charges a new pipe of `wanted` pages to its maker: how many it gets. ENFILE.
Result<u32> charge_new_pipe(fs::Charge& charge, fs::Credentials const& who, u32 wanted);

}
