// SPDX-License-Identifier: MIT
// Pipes and FIFOs: a ring of bytes, 64 KiB, writes up to PIPE_BUF are atomic. pipe(7), fifo(7).
#pragma once

#include <utility>

#include "kernel/fs/file.h"

namespace ipc {

/// The two ends; `flags`: O_NONBLOCK, O_CLOEXEC is the descriptors'. EPIPE on write with no reader (the system call raises
/// SIGPIPE). `who` owns the pipe, which matters to those who open it through /proc/PID/fd.
Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_pipe(u32 flags, fs::Credentials const& who = {});
/// F_SETPIPE_SZ by `who`: the size it has now. EBADF: no pipe; EBUSY EPERM EINVAL ENOMEM.
Result<u64> set_pipe_size(fs::File& file, u64 bytes, fs::Credentials const& who);
/// Lets fs open FIFOs. Called once at boot.
void register_fifos();

}
