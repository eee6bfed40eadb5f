// SPDX-License-Identifier: MIT
// poll(2) and ppoll(2): a waiter in the queue of each file that is not ready, then one
// sleep. The queues' waiters live in a heap array for as long as the call.
#include <new>

#include <linux/poll.h>
#include <linux/time_types.h>

#include "kernel/syscall/arguments.h"
#include "kernel/syscall/handlers.h"
#include "sched/clock.h"

namespace syscall {
namespace {

using Waiter = sched::WaitQueue::Waiter;

/// The descriptors of one call and, while it sleeps, its place in their queues.
class PollSet {
public:
    PollSet() = default;
    PollSet(PollSet const&) = delete;
    ~PollSet() {
        leave();
        for (size_t i = 0; i < count_; ++i) items()[i].~Item();
    }

    Result<> read(mm::UserPtr<pollfd> from, u32 count) {
        if (!count) return {};
        storage_ = TRY(mm::Buffer::allocate(count * sizeof(Item)));
        for (; count_ < count; ++count_) {
            pollfd const entry = TRY((from + count_).read());
            new (&items()[count_]) Item{entry, {}, nullptr, {}};
        }
        return {};
    }
    void open(Caller& caller) {
        for (size_t i = 0; i < count_; ++i) {
            if (items()[i].entry.fd < 0) continue;
            if (auto file = usable_file(caller, Fd(items()[i].entry.fd))) items()[i].file = std::move(*file);
        }
    }
    /// Fills in revents; the number of files with any.
    u32 look() {
        u32 ready = 0;
        for (size_t i = 0; i < count_; ++i) ready += look_at(items()[i]) != 0;
        return ready;
    }
    /// Enters every queue; each may then end the sleep.
    void enter() {
        for (size_t i = 0; i < count_; ++i) {
            sched::WaitQueue* queue = nullptr;
            if (items()[i].file) (void)items()[i].file->poll(queue);
            if (!queue) continue;
            items()[i].waiting = new (items()[i].waiter) Waiter(*queue);
            items()[i].waiting->enter();
        }
    }
    void leave() {
        for (size_t i = 0; i < count_; ++i)
            if (items()[i].waiting) std::exchange(items()[i].waiting, nullptr)->~Waiter();
    }
    Result<> write(mm::UserPtr<pollfd> to) {
        for (size_t i = 0; i < count_; ++i) TRY((to + i).write(items()[i].entry));
        return {};
    }

private:
    struct Item {
        pollfd entry;
        Ref<fs::File> file;
        Waiter* waiting = nullptr;
        alignas(Waiter) std::byte waiter[sizeof(Waiter)];
    };
    Item* items() { return reinterpret_cast<Item*>(storage_.data()); }
    static int look_at(Item& item) {
        item.entry.revents = 0;
        if (item.entry.fd < 0) return 0;
        if (!item.file) return item.entry.revents = POLLNVAL;
        sched::WaitQueue* queue = nullptr;
        u32 const wanted = static_cast<u16>(item.entry.events) | POLLERR | POLLHUP;
        return item.entry.revents = static_cast<short>(item.file->poll(queue) & wanted);
    }
    mm::Buffer storage_;
    size_t count_ = 0;
};

/// Ready files, 0 at the deadline, EINTR.
Result<u32> wait_ready(PollSet& set, u64 deadline) {
    for (;;) {
        if (u32 const ready = set.look()) return ready;
        sched::WaitQueue never;
        Waiter sleeper(never);
        sleeper.prepare(sched::Interruptible::Yes);
        set.enter();
        if (u32 const ready = set.look()) {
            set.leave();
            return ready;
        }
        auto const slept = sleeper.sleep(sched::Interruptible::Yes, deadline);
        set.leave();
        if (slept) continue;
        if (u32 const ready = set.look()) return ready;
        if (slept.error() == Errno(ETIMEDOUT)) return 0u;
        return fail(slept.error());
    }
}

Result<u32> poll_until(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, u64 deadline) {
    if (count > descriptor_limit(caller)) return fail(EINVAL);
    PollSet set;
    TRY(set.read(fds, count));
    set.open(caller);
    auto const ready = wait_ready(set, deadline);
    if (!ready) return fail(restart_no_hand);
    TRY(set.write(fds));
    return ready;
}

}

Result<u32> sys_poll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, i32 timeout_ms) {
    u64 const deadline = timeout_ms < 0 ? sched::no_deadline : sched::clock.monotonic_ns() + static_cast<u64>(timeout_ms) * ns_per_ms;
    return poll_until(caller, fds, count, deadline);
}

Result<u32> sys_ppoll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, UserAddr timeout, mm::UserPtr<process::SignalMask> mask, u64 size) {
    u64 deadline = sched::no_deadline;
    if (!timeout.is_null()) {
        auto const t = TRY(mm::UserPtr<__kernel_timespec>(timeout).read());
        if (t.tv_sec < 0 || t.tv_nsec < 0 || t.tv_nsec >= static_cast<i64>(ns_per_s)) return fail(EINVAL);
        u64 const seconds = t.tv_sec > (1 << 30) ? 1u << 30 : static_cast<u64>(t.tv_sec);
        deadline = sched::clock.monotonic_ns() + seconds * ns_per_s + static_cast<u64>(t.tv_nsec);
    }
    if (mask.is_null()) return poll_until(caller, fds, count, deadline);
    if (size != sizeof(process::SignalMask)) return fail(EINVAL);
    auto const wanted = TRY(mask.read());
    auto const old = caller.thread.blocked;
    process::set_blocked(caller.thread, wanted);
    auto const result = poll_until(caller, fds, count, deadline);
    // Interrupted: the handler runs under the call's mask, and the old one comes back after it.
    if (!result && result.error() == Errno(restart_no_hand)) caller.thread.saved_mask = old;
    else process::set_blocked(caller.thread, old);
    return result;
}

}
