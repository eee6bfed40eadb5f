// SPDX-License-Identifier: MIT
// System V message queues: msgget(2) msgop(2) msgctl(2). A sender hands its message to the first receiver that waits for
// such a message; whoever frees room lets in the senders whose messages fit, in their order.
#pragma once

#include <atomic>

#include <linux/msg.h>

#include <base/intrusive.h>

#include "kernel/ipc/ids.h"
#include "sched/wait_queue.h"

namespace base { class Writer; }

namespace ipc {

struct Message {
    base::ListHook hook;
    i64 type = 0;
    mm::Buffer text;
    MM_OBJECT_CACHE(Message)
};

/// Which messages a receiver takes: msgrcv(2).
struct MessageFilter {
    i64 type = 0;                    ///< 0: any; negative: the lowest up to its absolute value
    bool except = false;             ///< MSG_EXCEPT, with a positive type
    u64 capacity = 0;                ///< bytes
    bool truncate = false;           ///< MSG_NOERROR
    bool matches(i64 candidate) const;
};

class MessageQueue final : public RefCounted<MessageQueue>, public Identity {
public:
    using Identity::Identity;
    ~MessageQueue();
    /// EACCES EIDRM EAGAIN restart_no_hand.
    Result<> send(mm::Owned<Message> message, bool wait, Requester const& who);
    /// As send(), and ENOMSG E2BIG.
    Result<mm::Owned<Message>> receive(MessageFilter const& filter, bool wait, Requester const& who);
    /// MSG_COPY: returns a copy of the `index`th message, which stays. ENOMSG EACCES EIDRM ENOMEM; E2BIG, or EINVAL with `truncate`: it
    /// is longer than `capacity`.
    Result<mm::Owned<Message>> copy(u64 index, u64 capacity, bool truncate, Requester const& who);
    Result<msqid64_ds> status(Requester const& who, bool check_rights);
    Result<> change(msqid64_ds const& to, Requester const& who);
    /// Called when the table no longer has the queue: all waiters fail with EIDRM.
    void end();
    void write_line(base::Writer& out);
    MessageQueue* next_in_bucket = nullptr;      ///< used by the table

    MM_OBJECT_CACHE(MessageQueue)
private:
    struct Waiter {
        base::ListHook hook;
        mm::Owned<Message> message;              ///< a sender's until it is let in; a receiver's once it has one
        MessageFilter const* filter = nullptr;
        Pid pid;
        int error = 0;
        std::atomic<bool> done{false};           ///< written under lock, after the rest
        sched::WaitQueue wake;                   ///< woken under lock, which the sleeper takes before it goes
        void finish(int with_error);
    };
    using Waiters = base::List<Waiter, &Waiter::hook>;

    bool fits(u64 size) const REQUIRES(lock);
    void post(mm::Owned<Message> message, Pid sender) REQUIRES(lock);
    void let_in() REQUIRES(lock);
    mm::Owned<Message> take(Message& message, Pid receiver) REQUIRES(lock);
    Message* find(MessageFilter const& filter) REQUIRES(lock);
    Result<> sleep(Waiter& waiter, Waiters MessageQueue::*list);

    base::List<Message, &Message::hook> messages_ GUARDED_BY(lock);
    Waiters senders_ GUARDED_BY(lock), receivers_ GUARDED_BY(lock);
    u64 bytes_ GUARDED_BY(lock) = 0, count_ GUARDED_BY(lock) = 0;
    u64 capacity_ GUARDED_BY(lock) = msgmnb.load(std::memory_order_relaxed);
    i64 sent_s_ GUARDED_BY(lock) = 0, received_s_ GUARDED_BY(lock) = 0;
    Pid last_sender_ GUARDED_BY(lock), last_receiver_ GUARDED_BY(lock);
};

using MessageQueues = IdTable<MessageQueue, msgmni>;
extern constinit MessageQueues message_queues;

/// The messages and bytes of all queues, for MSG_INFO.
struct MessageTotals { i32 queues = 0; i32 messages = 0; i32 bytes = 0; };
MessageTotals message_totals();

}
