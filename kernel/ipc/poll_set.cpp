// SPDX-License-Identifier: MIT
// Waiting for one of several files. No wake-up is lost: the waiter is in the queues of all files before it asks them for the
// last time, and a wake-up since then shows in the queues.
#include "kernel/ipc/poll_set.h"

#include <new>

#include "sched/clock.h"

namespace ipc {

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

/// Fills in the ready events; returns the number of ready files. A file may sleep while it is asked.
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

/// Enters every queue; from then on each may end the sleep.
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

/// Asks the files only once if the time is already over. Otherwise it asks them again while it is in their queues, but before it
/// prepares to block, because it may have to wait for a file's lock; a wake-up in between shows in the queues.
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

}
