// SPDX-License-Identifier: MIT
// The segments of readv(2) and related calls as one buffer, and SIGPIPE. A transfer that has moved bytes reports them,
// whatever fails after.
#include <algorithm>

#include <abi/signal.h>

#include "kernel/process/signal/signal.h"
#include "kernel/syscall/files/transfer.h"

namespace syscall {

Result<u64> checked_size(u64 address, u64 size) {
    if (size > arch::user_space_end || address > arch::user_space_end - size) return fail(EFAULT);
    return std::min(size, max_transfer);
}

void send_broken_pipe(Caller& caller) {
    process::SignalInfo info{};
    info.signal = SIGPIPE;
    info.code = SI_USER;
    info.pid = caller.process.pid().value;
    info.uid = caller.process.credentials.real_uid.value;
    process::SignalNodes no_room;
    process::post_to_thread(caller.thread, info, no_room);
}

Result<size_t> after_write(Caller& caller, fs::File const& file, Result<size_t> result) {
    if (!result && result.error() == Errno(EPIPE) && file.breaks_with_signal()) send_broken_pipe(caller);
    return restartable(result);
}

Result<std::span<mm::Segment const>> Segments::read(mm::UserPtr<mm::Segment> from, u64 count) {
    if (count > most_segments) return fail(EINVAL);
    std::span<mm::Segment> segments(few_, std::min<u64>(count, few_segments));
    if (count > few_segments) {
        many_ = TRY(mm::Buffer::allocate(count * sizeof(mm::Segment)));
        segments = {reinterpret_cast<mm::Segment*>(many_.data()), count};
    }
    TRY(from.read_array(segments));
    u64 total = 0;
    for (auto& segment : segments) {
        if (static_cast<i64>(segment.size) < 0) return fail(EINVAL);
        (void)TRY(checked_size(segment.address, segment.size));
        segment.size = std::min(segment.size, max_transfer - total);
        total += segment.size;
    }
    return std::span<mm::Segment const>(segments);
}

}
