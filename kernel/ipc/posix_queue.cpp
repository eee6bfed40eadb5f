// SPDX-License-Identifier: MIT
// One POSIX message queue. Receivers never wait while there is a message, nor senders while there is room. A waiter is
// finished under lock_ by whoever takes it out of its list, and it takes lock_ before it leaves.
#include "kernel/ipc/posix_queue.h"

#include <linux/poll.h>
#include <asm-generic/siginfo.h>

#include <base/format.h>

namespace ipc {

MM_OBJECT_CACHE_DEFINE(PosixMessage)

PosixQueue::~PosixQueue() {
    messages_.clear_and_dispose([](PosixMessage* message) { delete message; });
}

void PosixQueue::Waiter::finish() {
    done.store(true, std::memory_order_release);
    wake.wake_one();
}

void PosixQueue::insert(mm::Owned<PosixMessage> message) {
    bytes_ += message->text.size();
    count_.store(count() + 1, std::memory_order_release);
    messages_.insert(*message.leak());
}

mm::Owned<PosixMessage> PosixQueue::take_first() {
    PosixMessage& first = *messages_.begin();
    messages_.erase(messages_.begin());
    bytes_ -= first.text.size();
    count_.store(count() - 1, std::memory_order_release);
    return mm::Owned<PosixMessage>(&first);
}

/// The waiter is already in the list; the lock was released, and is taken again after the sleep.
Result<> PosixQueue::sleep(Waiter& waiter, Waiters PosixQueue::*list, u64 deadline_ns) {
    auto const slept = waiter.wake.wait([&] { return waiter.done.load(std::memory_order_acquire); }, sched::Interruptible::Yes, deadline_ns);
    Locked guard(lock_);
    if (waiter.done.load(std::memory_order_relaxed)) return {};
    (this->*list).erase((this->*list).iterator_to(waiter));
    return fail(slept ? Errno(EINTR) : slept.error());
}

Result<std::optional<QueueNotification>> PosixQueue::send(mm::Owned<PosixMessage> message, bool wait, u64 deadline_ns) {
    std::optional<QueueNotification> told;
    Waiter waiter;
    bool is_in = true;
    {
        Locked guard(lock_);
        if (!receivers_.empty()) {
            Waiter& receiver = receivers_.front();
            receivers_.pop_front();
            receiver.message = std::move(message);
            receiver.finish();
            return told;
        }
        if (count() < most_messages_) {
            insert(std::move(message));
            if (count() == 1) told = std::exchange(wish_, std::nullopt);
        } else {
            if (!wait) return fail(EAGAIN);
            waiter.message = std::move(message);
            senders_.push_back(waiter);
            is_in = false;
        }
    }
    if (is_in) pollers_.wake_all();
    else TRY(sleep(waiter, &PosixQueue::senders_, deadline_ns));
    return told;
}

Result<mm::Owned<PosixMessage>> PosixQueue::receive(bool wait, u64 deadline_ns) {
    mm::Owned<PosixMessage> taken;
    Waiter waiter;
    bool has_room = true;
    {
        Locked guard(lock_);
        if (count() > 0) {
            taken = take_first();
            if (!senders_.empty()) {
                Waiter& sender = senders_.front();
                senders_.pop_front();
                insert(std::move(sender.message));
                sender.finish();
                has_room = false;
            }
        } else {
            if (!wait) return fail(EAGAIN);
            receivers_.push_back(waiter);
        }
    }
    if (taken) {
        if (has_room) pollers_.wake_all();
        return taken;
    }
    TRY(sleep(waiter, &PosixQueue::receivers_, deadline_ns));
    return std::move(waiter.message);
}

Result<> PosixQueue::notify(QueueNotification const& wish) {
    Locked guard(lock_);
    if (wish_) return fail(EBUSY);
    wish_ = wish;
    return {};
}

void PosixQueue::stop_notifying(void const* owner) {
    Locked guard(lock_);
    if (wish_ && wish_->owner == owner) wish_.reset();
}

fs::PollEvents PosixQueue::poll(sched::WaitQueue*& queue_out) {
    queue_out = &pollers_;
    u64 const now = count();
    return (now > 0 ? POLLIN | POLLRDNORM : 0u) | (now < most_messages_ ? POLLOUT | POLLWRNORM : 0u);
}

void PosixQueue::describe(base::Writer& out) {
    Locked guard(lock_);
    auto const wish = wish_.value_or(QueueNotification{});
    base::format_to(out, "QSIZE:{:<10} NOTIFY:{:<5} SIGNO:{:<5} NOTIFY_PID:{:<6}\n", bytes_, wish.how,
                    wish.how == SIGEV_SIGNAL ? wish.signal : 0, wish.pid.get().value);
}

}
