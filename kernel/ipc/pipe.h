// SPDX-License-Identifier: MIT
// Pipes and FIFOs: a ring of bytes, 64 KiB, writes up to PIPE_BUF are atomic. pipe(7), fifo(7).
#pragma once

#include <utility>

#include "kernel/fs/file.h"

namespace ipc {

/// Makes the two ends. `flags`: O_NONBLOCK, O_DIRECT; O_CLOEXEC is left to the descriptors. A write with no reader fails with EPIPE
/// (the system call raises SIGPIPE). `who` owns the pipe, which matters when it is opened through /proc/PID/fd.
Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_pipe(u32 flags, fs::Credentials const& who = {});
/// F_SETPIPE_SZ by `who`: returns the new size. EBADF: not a pipe; EBUSY EPERM EINVAL ENOMEM.
Result<u64> set_pipe_size(fs::File& file, u64 bytes, fs::Credentials const& who);
/// Lets fs open FIFOs. Called once at boot.
void register_fifos();

}
