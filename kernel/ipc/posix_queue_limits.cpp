// SPDX-License-Identifier: MIT
// The limits of POSIX message queues in /proc/sys/fs/mqueue: mq_overview(7). Each is a decimal number within bounds that hold even
// for root.
#include <charconv>

#include <base/format.h>

#include "kernel/fs/procfs/procfs.h"
#include "kernel/ipc/posix_queue_files.h"

namespace ipc {
namespace {

using Limit = std::atomic<u32> PosixQueueLimits::*;

template <Limit limit>
Result<> write_limit(base::Writer& out) {
    base::format_to(out, "{}\n", (posix_queue_limits.*limit).load(std::memory_order_relaxed));
    return {};
}

template <Limit limit, u32 lowest, u32 highest>
Result<> change_limit(std::string_view text, fs::Credentials const&) {
    constexpr std::string_view space = " \t\n";
    text.remove_prefix(std::min(text.find_first_not_of(space), text.size()));
    u32 value = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || value < lowest || value > highest) return fail(EINVAL);
    text.remove_prefix(static_cast<size_t>(end - text.data()));
    if (text.find_first_not_of(space) != text.npos) return fail(EINVAL);
    (posix_queue_limits.*limit).store(value, std::memory_order_relaxed);
    return {};
}

template <Limit limit, u32 lowest, u32 highest>
Result<> add(std::string_view path) { return fs::procfs.add(path, write_limit<limit>, 0644, change_limit<limit, lowest, highest>); }

}

Result<> register_posix_queue_limits() {
    using L = PosixQueueLimits;
    TRY((add<&L::queues_max, 0, INT32_MAX>("sys/fs/mqueue/queues_max")));
    TRY((add<&L::msg_max, 1, L::hard_messages>("sys/fs/mqueue/msg_max")));
    TRY((add<&L::msgsize_max, L::lowest_message_bytes, L::hard_message_bytes>("sys/fs/mqueue/msgsize_max")));
    TRY((add<&L::msg_default, 1, L::hard_messages>("sys/fs/mqueue/msg_default")));
    return add<&L::msgsize_default, L::lowest_message_bytes, L::hard_message_bytes>("sys/fs/mqueue/msgsize_default");
}

}
