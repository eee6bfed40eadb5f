// SPDX-License-Identifier: MIT
// What calls that wait for files have in common: how long, and under which signal mask.
#pragma once

#include "kernel/process/signal/signal.h"
#include "kernel/syscall/caller.h"
#include "sched/clock.h"

namespace syscall {

/// The timeout of a waiting call, and how the rest of it is written back to the program. A null address: no timeout.
class WaitTime {
public:
    static Result<WaitTime> timespec_at(UserAddr address);   ///< EFAULT EINVAL
    static Result<WaitTime> timeval_at(UserAddr address);
    static WaitTime milliseconds(i32 count);                 ///< negative: no timeout
    u64 deadline_ns() const { return deadline_ns_; }
    /// select(2): "Linux modifies timeout to reflect the time not slept". A bad address is not reported.
    void write_rest_as_timespec(UserAddr address) const;
    void write_rest_as_timeval(UserAddr address) const;
private:
    static WaitTime after(u64 ns);
    u64 rest_ns() const;
    u64 deadline_ns_ = sched::no_deadline;
    bool writes_rest_ = false;                               ///< it waits, and not without a limit
};

/// Calls `wait` with `mask` as the thread's signal mask, if there is one. Interrupted (restart_no_hand, or EINTR): the
/// handler runs under that mask and the old one comes back behind it. EINVAL EFAULT.
template <class Wait>
auto with_mask(Caller& caller, mm::UserPtr<process::SignalMask> mask, u64 size, Wait&& wait) -> decltype(wait()) {
    if (mask.is_null()) return wait();
    if (size != sizeof(process::SignalMask)) return fail(EINVAL);
    auto const wanted = TRY(mask.read());
    auto const old = caller.thread.blocked;
    process::set_blocked(caller.thread, wanted);
    auto result = wait();
    bool const interrupted = !result && (result.error() == Errno(restart_no_hand) || result.error() == Errno(EINTR));
    if (interrupted) caller.thread.saved_mask = old;
    else process::set_blocked(caller.thread, old);
    return result;
}

}
