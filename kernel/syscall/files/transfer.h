// SPDX-License-Identifier: MIT
// What calls that move bytes share: checked sizes, segments and positions, and what follows a write.
#pragma once

#include <span>

#include "kernel/syscall/arguments.h"

namespace syscall {

/// A size, cut to max_transfer. EFAULT if the range leaves what programs can have.
Result<u64> checked_size(u64 address, u64 size);

/// A position given by a program. EINVAL if negative.
inline Result<u64> position_argument(i64 offset) {
    if (offset < 0) return fail(EINVAL);
    return static_cast<u64>(offset);
}

void send_broken_pipe(Caller& caller);

/// A write that nobody reads: SIGPIPE besides EPIPE.
Result<size_t> after_write(Caller& caller, fs::File const& file, Result<size_t> result);

/// A transfer of no bytes by segments, where the kind of file knows such transfers.
inline Result<size_t> nothing(Result<> known) {
    TRY(known);
    return 0;
}

/// The segments of readv and writev, checked and cut to max_transfer.
class Segments {
public:
    /// EINVAL EFAULT ENOMEM.
    Result<std::span<mm::Segment const>> read(mm::UserPtr<mm::Segment> from, u64 count);
private:
    static constexpr u64 most_segments = 1024;      ///< UIO_MAXIOV
    static constexpr size_t few_segments = 8;       ///< as many as fit on the stack (Linux's UIO_FASTIOV)
    mm::Segment few_[few_segments];
    mm::Buffer many_;
};

}
