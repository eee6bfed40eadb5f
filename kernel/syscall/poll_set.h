// SPDX-License-Identifier: MIT
// What poll(2) and select(2) share: a waiter in the queue of each file that is not ready, then one
// sleep. The waiters live in heap chunks of about a page for as long as the call.
#pragma once

#include <linux/poll.h>

#include "kernel/process/signal.h"
#include "kernel/syscall/arguments.h"
#include "sched/clock.h"

namespace syscall {

/// The files of one call and, while it sleeps, its place in their queues.
class PollSet {
public:
    /// Descriptors that one call may wait for; beyond it ENOMEM. Bounds what a call takes of the kernel's memory (some 4 MiB).
    static constexpr u32 most_items = 1u << 15;

    struct Item {
        u32 index = 0;                     ///< the caller's: place in the array, or descriptor
        u32 wanted = 0;                    ///< events
        u32 ready = 0;                     ///< events there are; POLLNVAL if there is no file
        Ref<fs::File> file;                ///< may be null
        sched::WaitQueue* queue = nullptr;     ///< where it tells of a change; null: nowhere
        sched::WaitQueue::Waiter* waiting = nullptr;
        alignas(sched::WaitQueue::Waiter) std::byte waiter[sizeof(sched::WaitQueue::Waiter)];
    };

    PollSet() = default;
    PollSet(PollSet const&) = delete;
    ~PollSet();

    /// ENOMEM.
    Result<> add(u32 index, Ref<fs::File> file, u32 wanted);
    /// Sleeps until a file is ready: how many are, 0 at the deadline, EINTR.
    Result<u32> wait(u64 deadline_ns);
    /// In the order of add().
    template <class Visit>
    Result<> for_each(Visit&& visit) {
        for (Chunk* chunk = first_; chunk; chunk = chunk->next)
            for (u32 i = 0; i < chunk->count; ++i) TRY(visit(chunk->items()[i]));
        return {};
    }

private:
    struct Chunk {
        Chunk* next = nullptr;
        u32 count = 0;
        alignas(Item) std::byte storage[(4096 - 32) / sizeof(Item) * (sizeof(Item))];
        Item* items() { return reinterpret_cast<Item*>(storage); }
    };
    static constexpr u32 per_chunk = (4096 - 32) / sizeof(Item);
    u32 look();
    void enter();
    bool is_woken();
    void leave();
    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
    u32 count_ = 0;
};

/// The timeout of a waiting call, and how its rest goes back to the program. A null address: for ever.
class WaitTime {
public:
    static Result<WaitTime> timespec_at(UserAddr address);   ///< EFAULT EINVAL
    static Result<WaitTime> timeval_at(UserAddr address);
    static WaitTime milliseconds(i32 count);                 ///< negative: for ever
    u64 deadline_ns() const { return deadline_ns_; }
    /// select(2): "Linux modifies timeout to reflect the time not slept". A bad address is not reported.
    void write_rest_as_timespec(UserAddr address) const;
    void write_rest_as_timeval(UserAddr address) const;
private:
    static WaitTime after(u64 ns);
    u64 rest_ns() const;
    u64 deadline_ns_ = sched::no_deadline;
    bool writes_rest_ = false;                               ///< neither for ever nor not at all
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
