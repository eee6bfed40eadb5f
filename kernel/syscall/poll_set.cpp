// SPDX-License-Identifier: MIT
// Waiting for one of several files. See poll_set.h.
#include "kernel/syscall/poll_set.h"

#include <algorithm>
#include <new>

#include <linux/time_types.h>

namespace syscall {

using Waiter = sched::WaitQueue::Waiter;

PollSet::~PollSet() {
    leave();
    while (first_) {
        Chunk* const chunk = std::exchange(first_, first_->next);
        for (u32 i = 0; i < chunk->count; ++i) chunk->items()[i].~Item();
        delete chunk;
    }
}

Result<> PollSet::add(u32 index, Ref<fs::File> file, u32 wanted) {
    if (count_ >= most_items) return fail(ENOMEM);
    if (!last_ || last_->count == per_chunk) {
        auto* const chunk = TRY(mm::make<Chunk>());
        (last_ ? last_->next : first_) = chunk;
        last_ = chunk;
    }
    auto* const item = new (&last_->items()[last_->count]) Item;
    item->index = index;
    item->wanted = wanted;
    item->file = std::move(file);
    ++last_->count;
    ++count_;
    return {};
}

/// Fills in what is ready; the number of files that are. A file may sleep while it is asked.
u32 PollSet::look() {
    u32 ready = 0;
    (void)for_each([&](Item& item) -> Result<> {
        item.queue = nullptr;
        item.ready = item.file ? item.file->poll(item.queue) & item.wanted : static_cast<u32>(POLLNVAL);
        ready += item.ready != 0;
        return {};
    });
    return ready;
}

/// Enters every queue; each may then end the sleep.
void PollSet::enter() {
    (void)for_each([](Item& item) -> Result<> {
        if (!item.queue) return {};
        item.waiting = new (item.waiter) Waiter(*item.queue);
        item.waiting->enter();
        return {};
    });
}

bool PollSet::is_woken() {
    for (Chunk* chunk = first_; chunk; chunk = chunk->next)
        for (u32 i = 0; i < chunk->count; ++i)
            if (Waiter const* const waiting = chunk->items()[i].waiting; waiting && waiting->is_woken()) return true;
    return false;
}

void PollSet::leave() {
    (void)for_each([](Item& item) -> Result<> {
        if (item.waiting) std::exchange(item.waiting, nullptr)->~Waiter();
        return {};
    });
}

/// One look if the time is up already. Else the files are asked while it stands in their queues but has not prepared to
/// block, since a file's lock may have to be waited for; a wake of that time shows in the queues.
Result<u32> PollSet::wait(u64 deadline_ns) {
    if (u32 const ready = look()) return ready;
    if (deadline_ns != sched::no_deadline && sched::clock.monotonic_ns() >= deadline_ns) return 0u;
    for (;;) {
        enter();
        if (u32 const ready = look()) {
            leave();
            return ready;
        }
        Result<> slept;
        {
            sched::WaitQueue never;
            Waiter sleeper(never);
            sleeper.prepare(sched::Interruptible::Yes);
            if (!is_woken()) slept = sleeper.sleep(sched::Interruptible::Yes, deadline_ns);
        }
        leave();
        if (u32 const ready = look()) return ready;
        if (!slept) return slept.error() == Errno(ETIMEDOUT) ? Result<u32>(0u) : fail(slept.error());
    }
}

// ---------------------------------------------------------------- timeouts

WaitTime WaitTime::after(u64 ns) {
    WaitTime time;
    time.deadline_ns_ = deadline_of(ns, false, false);
    time.writes_rest_ = ns != 0;
    return time;
}

Result<WaitTime> WaitTime::timespec_at(UserAddr address) {
    if (address.is_null()) return WaitTime();
    return after(TRY(read_timespec(address)));
}

/// Microseconds beyond a second are carried: select() on Linux takes them.
Result<WaitTime> WaitTime::timeval_at(UserAddr address) {
    constexpr i64 longest_s = 1 << 30;
    if (address.is_null()) return WaitTime();
    auto const t = TRY(mm::UserPtr<__kernel_old_timeval>(address).read());
    if (t.tv_sec < 0 || t.tv_usec < 0) return fail(EINVAL);
    i64 const us = std::min<i64>(t.tv_usec, longest_s * 1'000'000);
    return after(static_cast<u64>(std::min<i64>(t.tv_sec, longest_s)) * ns_per_s + static_cast<u64>(us) * ns_per_us);
}

WaitTime WaitTime::milliseconds(i32 count) {
    WaitTime time;
    if (count >= 0) time.deadline_ns_ = sched::clock.monotonic_ns() + static_cast<u64>(count) * ns_per_ms;
    return time;
}

u64 WaitTime::rest_ns() const {
    u64 const now = sched::clock.monotonic_ns();
    return deadline_ns_ > now ? deadline_ns_ - now : 0;
}

void WaitTime::write_rest_as_timespec(UserAddr address) const {
    if (!writes_rest_) return;
    u64 const rest = rest_ns();
    __kernel_timespec const t{static_cast<i64>(rest / ns_per_s), static_cast<i64>(rest % ns_per_s)};
    (void)mm::UserPtr<__kernel_timespec>(address).write(t);
}

void WaitTime::write_rest_as_timeval(UserAddr address) const {
    if (!writes_rest_) return;
    u64 const rest = rest_ns();
    __kernel_old_timeval const t{static_cast<i64>(rest / ns_per_s), static_cast<i64>(rest % ns_per_s / 1000)};
    (void)mm::UserPtr<__kernel_old_timeval>(address).write(t);
}

}
