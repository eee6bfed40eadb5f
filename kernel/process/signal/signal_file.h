// SPDX-License-Identifier: MIT
// signalfd(2): a file whose reader takes signals that are pending for the reader.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/process/signal_info.h"

namespace process {

class Process;

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_signal_file(SignalMask mask, u32 flags, fs::Credentials const& who);
/// EINVAL: `file` is not a signalfd.
Result<> set_mask(fs::File& file, SignalMask mask);

/// Wakes the waiters for signals of `process`: one has come. Any lock below a wait queue's may be held.
void ring_signal_bell(Process const& process);

}
