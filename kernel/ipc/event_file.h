// SPDX-License-Identifier: MIT
// eventfd(2): a counter that is read and written as a file. A write adds, a read subtracts; the count stays below 2^64 - 1.
#pragma once

#include "kernel/fs/file.h"

namespace ipc {

enum class EventReads : u8 {
    All,       ///< a read takes the whole count
    One,       ///< EFD_SEMAPHORE: a read takes 1
};

/// `flags`: O_NONBLOCK or nothing. ENOMEM.
Result<Ref<fs::File>> make_event_file(u32 initial, EventReads reads, u32 flags, fs::Credentials const& who);

}
