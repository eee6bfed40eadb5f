// SPDX-License-Identifier: MIT
// The largest size of one pipe and of all pipes of a user: pipe(7), /proc/sys/fs/pipe-*.
#pragma once

#include <atomic>

#include "kernel/fs/credentials.h"

namespace ipc {

// Ordering of all: relaxed; they are only numbers.
/// The most bytes of one pipe, without privilege.
extern constinit std::atomic<u32> pipe_max_size;
/// The most pages of all pipes of a user; 0: no limit. Beyond the soft limit a new pipe gets two pages and none grows; beyond the
/// hard limit there are no new pipes.
extern constinit std::atomic<u64> pipe_user_pages_soft, pipe_user_pages_hard;

/// /proc/sys/fs/pipe-*. Called once from main.
Result<> register_pipe_limits();

/// The most pages that the user of a pipe may have after the pipe has grown.
u64 most_pipe_pages(bool privileged);
/// Charges a new pipe of `wanted` pages to its maker. Returns the pages that it gets. ENFILE.
Result<u32> charge_new_pipe(fs::Charge& charge, fs::Credentials const& who, u32 wanted);

}
