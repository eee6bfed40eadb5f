// SPDX-License-Identifier: MIT
// futex(2) set_robust_list(2).
#include <algorithm>

#include <linux/futex.h>

#include "kernel/process/futex/futex.h"
#include "kernel/process/process_manager.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/flags.h"
#include "kernel/syscall/process/processes.h"
#include "kernel/syscall/timespec.h"

namespace syscall {
namespace {

using process::futexes;
using process::FutexWord;

/// Linux wakes one at least, whatever the count says.
u32 at_least_one(u32 count) { return static_cast<u32>(std::max(static_cast<i32>(count), 1)); }

Result<u32> wait(Caller& caller, FutexWord word, u32 expected, u32 bits, u64 deadline_ns) {
    auto const result = futexes.wait(word, expected, bits, deadline_ns);
    if (result) return 0u;
    if (result.error() != Errno(EINTR)) return fail(result.error());
    if (deadline_ns == sched::no_deadline) return fail(restart_sys);
    caller.thread.restart_block = {deadline_ns, word.address, expected, bits, word.scope == process::FutexScope::Shared};
    return fail(process::restart_by_block);
}

Result<u64> deadline(u32 operation, u64 timeout) {
    if (!timeout) return sched::no_deadline;
    u64 const ns = TRY(read_timespec(UserAddr(timeout)));
    u32 const command = operation & ~u32{FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};
    return deadline_of(ns, command != FUTEX_WAIT, (operation & FUTEX_CLOCK_REALTIME) || command == FUTEX_LOCK_PI);
}

Result<u32> requeue(FutexWord from, FutexWord to, u32 wake_count, u32 move_count, std::optional<u32> expected) {
    if (static_cast<i32>(wake_count) < 0 || static_cast<i32>(move_count) < 0) return fail(EINVAL);
    return futexes.requeue(from, to, wake_count, move_count, expected);
}

/// A signal's handler never sees these fail: they go on behind it.
Result<u32> uninterrupted(Result<> const& result) {
    if (!result) return fail(result.error() == Errno(EINTR) ? Errno(restart_no_intr) : result.error());
    return 0u;
}

}

Result<u32> sys_futex(Caller& caller, UserAddr address, u32 operation, u32 value, u64 timeout_or_count, UserAddr second, u32 third_value) {
    u32 const command = operation & ~u32{FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME};
    TRY(accepted::futex.check(command));
    auto const scope = operation & FUTEX_PRIVATE_FLAG ? process::FutexScope::Private : process::FutexScope::Shared;
    FutexWord const word{address, scope}, other{second, scope};
    auto const count = static_cast<u32>(timeout_or_count);
    if ((operation & FUTEX_CLOCK_REALTIME) && command != FUTEX_WAIT_BITSET && command != FUTEX_LOCK_PI2) return fail(ENOSYS);
    switch (command) {
    case FUTEX_WAIT: return wait(caller, word, value, process::any_bit, TRY(deadline(operation, timeout_or_count)));
    case FUTEX_WAIT_BITSET: return wait(caller, word, value, third_value, TRY(deadline(operation, timeout_or_count)));
    case FUTEX_WAKE: return futexes.wake(word, at_least_one(value), process::any_bit);
    case FUTEX_WAKE_BITSET: return futexes.wake(word, at_least_one(value), third_value);
    case FUTEX_REQUEUE: return requeue(word, other, value, count, std::nullopt);
    case FUTEX_CMP_REQUEUE: return requeue(word, other, value, count, third_value);
    case FUTEX_WAKE_OP: return futexes.wake_operation(word, other, at_least_one(value), at_least_one(count), third_value);
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: return uninterrupted(futexes.lock_pi(word, TRY(deadline(operation, timeout_or_count))));
    case FUTEX_TRYLOCK_PI: return uninterrupted(futexes.try_lock_pi(word));
    default: return uninterrupted(futexes.unlock_pi(word));
    }
}

Result<u32> restart_futex(Caller& caller) {
    process::RestartBlock const block = caller.thread.restart_block;
    FutexWord const word{block.futex, block.shared ? process::FutexScope::Shared : process::FutexScope::Private};
    return wait(caller, word, block.expected, block.bits, block.deadline_ns);
}

Result<> sys_set_robust_list(Caller& caller, UserAddr head, u64 size) {
    if (size != sizeof(robust_list_head)) return fail(EINVAL);
    caller.thread.robust_list = head;
    return {};
}

/// Of the caller's own threads; another process's would need the right to trace it.
Result<> sys_get_robust_list(Caller& caller, Pid tid, mm::UserPtr<u64> head, mm::UserPtr<u64> size) {
    u64 found = 0;
    bool known = tid.value == 0 || tid == caller.thread.tid;
    if (known) {
        found = caller.thread.robust_list.value();
    } else {
        Locked guard(caller.process.signal_lock);
        for (process::UserThread const& thread : caller.process.threads) {
            if (thread.tid != tid) continue;
            known = true;
            found = thread.robust_list.value();
        }
    }
    if (!known) return fail(process::process_manager.find(tid) ? EPERM : ESRCH);
    TRY(size.write(sizeof(robust_list_head)));
    return head.write(found);
}

}
