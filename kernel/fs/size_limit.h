// SPDX-License-Identifier: MIT
// How large the caller may make a regular file: RLIMIT_FSIZE of setrlimit(2).
#pragma once

#include <base/from_above.h>
#include <base/result.h>

namespace fs {

/// Implemented by kernel/process, for the running program; the kernel itself has no limit.
class SizeLimit {
public:
    virtual u64 bytes() = 0;
    virtual void exceeded() = 0;                 ///< SIGXFSZ
protected:
    ~SizeLimit() = default;
};
extern constinit base::FromAbove<SizeLimit> size_limit;

/// How many bytes may be written from `position` on. EFBIG, with the signal: none.
Result<u64> room_for_write(u64 position);
/// truncate(2) to more than it was: EFBIG, and the signal.
Result<> check_larger_size(u64 size);

}
