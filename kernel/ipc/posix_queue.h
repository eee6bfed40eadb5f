// SPDX-License-Identifier: MIT
// The messages of one POSIX message queue: mq_overview(7). The oldest message of the highest priority is received first. A sender
// hands its message to the first receiver that waits; a receiver lets in the first sender that waits.
#pragma once

#include <atomic>
#include <optional>

#include <base/intrusive.h>

#include "kernel/base/held_pid.h"
#include "kernel/fs/file.h"
#include "mm/slab.h"
#include "sched/wait_queue.h"

namespace base { class Writer; }

namespace ipc {

inline constexpr u32 queue_priorities = 32768;       ///< MQ_PRIO_MAX

struct PosixMessage {
    base::TreeHook hook;
    u32 priority = 0;
    mm::Buffer text;
    MM_OBJECT_CACHE(PosixMessage)
};

/// mq_notify(2): the process to notify when an empty queue gets a message.
struct QueueNotification {
    base::HeldPid pid;
    u64 program = 0;                                 ///< the program that it ran when it registered: a later one is not notified
    void const* owner = nullptr;                     ///< its descriptor table: closing a descriptor of the queue ends the registration
    int how = 0;                                     ///< SIGEV_NONE, SIGEV_SIGNAL
    int signal = 0;                                  ///< 0: none
    u64 value = 0;
};

class PosixQueue {
public:
    PosixQueue(u64 most_messages, u64 message_size) : most_messages_(most_messages), message_size_(message_size) {}
    ~PosixQueue();
    PosixQueue(PosixQueue const&) = delete;

    u64 most_messages() const { return most_messages_; }
    u64 message_size() const { return message_size_; }                        ///< the most bytes
    u64 count() const { return count_.load(std::memory_order_acquire); }

    /// Returns the notification to send now, if any. `deadline_ns` is a time of clock_ns(). EAGAIN (`wait` is false) EINTR ETIMEDOUT.
    Result<std::optional<QueueNotification>> send(mm::Owned<PosixMessage> message, bool wait, u64 deadline_ns);
    /// The errors of send().
    Result<mm::Owned<PosixMessage>> receive(bool wait, u64 deadline_ns);
    Result<> notify(QueueNotification const& wish);                            ///< EBUSY
    void stop_notifying(void const* owner);                                    ///< if the registration is the owner's
    fs::PollEvents poll(sched::WaitQueue*& queue_out);
    /// Writes the line that a read of the queue's file returns.
    void describe(base::Writer& out);

private:
    struct Waiter {
        base::ListHook hook;
        mm::Owned<PosixMessage> message;             ///< a sender's until it is let in; a receiver's once it has one
        std::atomic<bool> done{false};               ///< written under lock_, after the message
        sched::WaitQueue wake;                       ///< woken under lock_, which the sleeper takes before it goes
        void finish();
    };
    using Waiters = base::List<Waiter, &Waiter::hook>;
    /// The highest priority first; equal ones keep the order of their arrival.
    struct Order {
        using type = u32;
        u32 operator()(PosixMessage const& message) const { return queue_priorities - message.priority; }
    };
    using Lock = sync::Mutex<LockRank::sleeping_leaf>;

    void insert(mm::Owned<PosixMessage> message) REQUIRES(lock_);
    mm::Owned<PosixMessage> take_first() REQUIRES(lock_);
    Result<> sleep(Waiter& waiter, Waiters PosixQueue::*list, u64 deadline_ns);

    u64 const most_messages_, message_size_;
    Lock lock_;
    base::MultiTree<PosixMessage, &PosixMessage::hook, Order> messages_ GUARDED_BY(lock_);
    Waiters senders_ GUARDED_BY(lock_), receivers_ GUARDED_BY(lock_);
    u64 bytes_ GUARDED_BY(lock_) = 0;
    std::optional<QueueNotification> wish_ GUARDED_BY(lock_);
    std::atomic<u64> count_{0};                      ///< the size of messages_; written under lock_
    sched::WaitQueue pollers_;
};

}
