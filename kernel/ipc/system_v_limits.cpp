// SPDX-License-Identifier: MIT
// The limits of System V IPC and their files. They start with Linux's values; a change affects only later calls.
#include "kernel/ipc/system_v_limits.h"

#include <linux/msg.h>
#include <linux/sem.h>

#include "kernel/fs/procfs/proc_number.h"
#include "kernel/ipc/system_v.h"

namespace ipc {

constinit std::atomic<u32> msgmax{MSGMAX}, msgmnb{MSGMNB}, msgmni{MSGMNI};
constinit std::atomic<u32> semmsl{SEMMSL}, semmns{SEMMNS}, semopm{SEMOPM}, semmni{SEMMNI};
constinit std::atomic<u64> shmmax{~u64{0} - (1 << 24)}, shmall{~u64{0} - (1 << 24)};
constinit std::atomic<u32> shmmni{4096};

namespace {

constinit std::atomic<u32>* const semaphore_limits[] = {&semmsl, &semmns, &semopm, &semmni};
constexpr u32 highest[] = {most_semaphores_of_a_set, INT32_MAX, INT32_MAX, INT32_MAX};

Result<> write_semaphore_limits(base::Writer& out) {
    for (auto const* limit : semaphore_limits)
        base::format_to(out, "{}{}", limit->load(std::memory_order_relaxed), limit == semaphore_limits[3] ? "\n" : "\t");
    return {};
}

/// The text has the first of the four values, or more of them, separated by blanks. EINVAL: none is changed; ERANGE: all but the
/// last are.
Result<> change_semaphore_limits(std::string_view text, fs::Credentials const&) {
    constexpr std::string_view blanks = " \t\n";
    u32 values[4];
    size_t count = 0;
    for (; count < 4; ++count) {
        text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
        if (text.empty()) break;
        size_t const size = std::min(text.find_first_of(blanks), text.size());
        values[count] = TRY(fs::parse_proc_number<u32>(text.substr(0, size), 0, highest[count]));
        text.remove_prefix(size);
    }
    if (count == 0) return fail(EINVAL);
    bool const are_too_many_sets = count == 4 && values[3] > most_ids;
    for (size_t i = 0; i < count - are_too_many_sets; ++i) semaphore_limits[i]->store(values[i], std::memory_order_relaxed);
    return are_too_many_sets ? fail(ERANGE) : Result<>();
}

template <std::atomic<u64>& number>
Result<> write_large(base::Writer& out) {
    base::format_to(out, "{}\n", number.load(std::memory_order_relaxed));
    return {};
}

template <std::atomic<u64>& number>
Result<> change_large(std::string_view text, fs::Credentials const&) {
    number.store(TRY(fs::parse_proc_number<u64>(text, 0, ~u64{0})), std::memory_order_relaxed);
    return {};
}

}

Result<> register_system_v_limits() {
    TRY((fs::add_proc_number<msgmax, 0, INT32_MAX>("sys/kernel/msgmax")));
    TRY((fs::add_proc_number<msgmnb, 0, INT32_MAX>("sys/kernel/msgmnb")));
    TRY((fs::add_proc_number<msgmni, 0, most_ids>("sys/kernel/msgmni")));
    TRY(fs::procfs.add("sys/kernel/sem", write_semaphore_limits, 0644, change_semaphore_limits));
    TRY(fs::procfs.add("sys/kernel/shmmax", write_large<shmmax>, 0644, change_large<shmmax>));
    TRY(fs::procfs.add("sys/kernel/shmall", write_large<shmall>, 0644, change_large<shmall>));
    return fs::add_proc_number<shmmni, 0, most_ids>("sys/kernel/shmmni");
}

}
