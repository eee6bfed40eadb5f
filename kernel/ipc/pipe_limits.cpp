// SPDX-License-Identifier: MIT
// The limits of pipes and their files in /proc. Every pipe holds a charge of its capacity, which must fit the limits when it is
// made and when it grows; a privileged maker is counted but not limited.
#include "kernel/ipc/pipe_limits.h"

#include <algorithm>
#include <bit>

#include "kernel/fs/procfs/proc_number.h"

namespace ipc {

constinit std::atomic<u32> pipe_max_size{1 << 20};
constinit std::atomic<u64> pipe_user_pages_soft{16384}, pipe_user_pages_hard{0};

namespace {

constexpr u64 unlimited = ~u64{0};
constexpr u32 pages_beyond_soft_limit = 2;

u64 value_of(std::atomic<u64> const& limit) {
    u64 const pages = limit.load(std::memory_order_relaxed);
    return pages ? pages : unlimited;
}

/// Rounded up to a power of two, at least a page.
Result<> change_max_size(std::string_view text, fs::Credentials const&) {
    u64 const bytes = std::bit_ceil(std::max<u64>(TRY(fs::parse_proc_number<u64>(text, 0, u64{1} << 31)), page_size));
    pipe_max_size.store(static_cast<u32>(bytes), std::memory_order_relaxed);
    return {};
}

Result<> write_max_size(base::Writer& out) {
    base::format_to(out, "{}\n", pipe_max_size.load(std::memory_order_relaxed));
    return {};
}

}

u64 most_pipe_pages(bool privileged) {
    return privileged ? unlimited : std::min(value_of(pipe_user_pages_soft), value_of(pipe_user_pages_hard));
}

Result<u32> charge_new_pipe(fs::Charge& charge, fs::Credentials const& who, u32 wanted) {
    bool const privileged = who.is_privileged();
    if (!privileged) wanted = std::min(wanted, pipe_max_size.load(std::memory_order_relaxed) / static_cast<u32>(page_size));
    if (charge.begin(who.user, fs::Charged::PipePages, wanted, privileged ? unlimited : value_of(pipe_user_pages_soft))) {
        if (privileged || fs::user_or_root(who.user).charged(fs::Charged::PipePages) <= value_of(pipe_user_pages_hard)) return wanted;
    }
    charge = {};
    if (!charge.begin(who.user, fs::Charged::PipePages, pages_beyond_soft_limit, value_of(pipe_user_pages_hard))) return fail(ENFILE);
    return pages_beyond_soft_limit;
}

Result<> register_pipe_limits() {
    TRY(fs::procfs.add("sys/fs/pipe-max-size", write_max_size, 0644, change_max_size));
    TRY((fs::add_proc_number<pipe_user_pages_soft, 0, INT64_MAX>("sys/fs/pipe-user-pages-soft")));
    return fs::add_proc_number<pipe_user_pages_hard, 0, INT64_MAX>("sys/fs/pipe-user-pages-hard");
}

}
