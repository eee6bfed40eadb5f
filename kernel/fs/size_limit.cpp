// SPDX-License-Identifier: MIT
// The size limit, applied: a write is shortened to the room below it, and one with no room sends SIGXFSZ.
#include "kernel/fs/size_limit.h"

namespace fs {

constinit base::FromAbove<SizeLimit> size_limit;

Result<u64> room_for_write(u64 position) {
    u64 const most = size_limit ? size_limit->bytes() : ~u64{0};
    if (position < most) [[likely]] return most - position;
    size_limit->exceeded();
    return fail(EFBIG);
}

Result<> check_larger_size(u64 size) {
    if (!size_limit || size <= size_limit->bytes()) return {};
    size_limit->exceeded();
    return fail(EFBIG);
}

}
