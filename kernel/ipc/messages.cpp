// SPDX-License-Identifier: MIT
// System V message queues. A waiter is on the stack of its thread and in a list of the queue; whoever finishes it takes it out
// of the list under `lock`, and the waiter takes `lock` before it leaves. So no finisher uses a waiter that is gone.
#include "kernel/ipc/messages.h"

#include <algorithm>
#include <cstring>

#include <base/format.h>

namespace ipc {

MM_OBJECT_CACHE_DEFINE(Message)
MM_OBJECT_CACHE_DEFINE(MessageQueue)

constinit MessageQueues message_queues;

namespace {

std::atomic<i32> all_messages{0}, all_bytes{0};    // for MSG_INFO; relaxed, they guard nothing

}

bool MessageFilter::matches(i64 candidate) const {
    if (type == 0) return true;
    if (type < 0) return candidate <= (type == INT64_MIN ? INT64_MAX : -type);
    return except ? candidate != type : candidate == type;
}

void MessageQueue::Waiter::finish(int with_error) {
    error = with_error;
    done.store(true, std::memory_order_release);
    wake.wake_one();
}

MessageQueue::~MessageQueue() {
    all_messages.fetch_sub(static_cast<i32>(count_), std::memory_order_relaxed);
    all_bytes.fetch_sub(static_cast<i32>(bytes_), std::memory_order_relaxed);
    messages_.clear_and_dispose([](Message* message) { delete message; });
}

bool MessageQueue::fits(u64 size) const { return bytes_ + size <= capacity_ && count_ + 1 <= capacity_; }

/// Gives the message to the first receiver that waits for it, or appends it to the queue.
void MessageQueue::post(mm::Owned<Message> message, Pid sender) {
    last_sender_ = sender;
    sent_s_ = now_seconds();
    for (auto at = receivers_.begin(); at != receivers_.end();) {
        Waiter& receiver = *at;
        ++at;
        if (!receiver.filter->matches(message->type)) continue;
        receivers_.erase(receivers_.iterator_to(receiver));
        if (message->text.size() > receiver.filter->capacity && !receiver.filter->truncate) {
            receiver.finish(E2BIG);              // the message stays for the next receiver
            continue;
        }
        last_receiver_ = receiver.pid;
        received_s_ = sent_s_;
        receiver.message = std::move(message);
        return receiver.finish(0);
    }
    u64 const size = message->text.size();
    bytes_ += size;
    ++count_;
    all_messages.fetch_add(1, std::memory_order_relaxed);
    all_bytes.fetch_add(static_cast<i32>(size), std::memory_order_relaxed);
    messages_.push_back(*message.leak());
}

/// There may be room: lets in every sender whose message fits, in their order.
void MessageQueue::let_in() {
    for (auto at = senders_.begin(); at != senders_.end();) {
        Waiter& sender = *at;
        ++at;
        if (!fits(sender.message->text.size())) continue;
        senders_.erase(senders_.iterator_to(sender));
        post(std::move(sender.message), sender.pid);
        sender.finish(0);
    }
}

mm::Owned<Message> MessageQueue::take(Message& message, Pid receiver) {
    messages_.erase(messages_.iterator_to(message));
    u64 const size = message.text.size();
    bytes_ -= size;
    --count_;
    all_messages.fetch_sub(1, std::memory_order_relaxed);
    all_bytes.fetch_sub(static_cast<i32>(size), std::memory_order_relaxed);
    last_receiver_ = receiver;
    received_s_ = now_seconds();
    let_in();
    return mm::Owned<Message>(&message);
}

Message* MessageQueue::find(MessageFilter const& filter) {
    Message* best = nullptr;
    for (Message& message : messages_) {
        if (!filter.matches(message.type)) continue;
        if (filter.type >= 0) return &message;
        if (!best || message.type < best->type) best = &message;
    }
    return best;
}

/// The waiter is already in the list; `lock` was released, and is taken again after the sleep.
Result<> MessageQueue::sleep(Waiter& waiter, Waiters MessageQueue::*list) {
    auto const slept = waiter.wake.wait([&] { return waiter.done.load(std::memory_order_acquire); });
    Locked guard(lock);
    if (waiter.done.load(std::memory_order_relaxed)) return waiter.error ? Result<>(fail(waiter.error)) : Result<>();
    (this->*list).erase((this->*list).iterator_to(waiter));
    return fail(slept ? EINTR : restart_no_hand);
}

Result<> MessageQueue::send(mm::Owned<Message> message, bool wait, Requester const& who) {
    Waiter waiter;
    {
        Locked guard(lock);
        TRY(permit(who, may_write_all));
        if (removed) return fail(EIDRM);
        if (fits(message->text.size())) {
            post(std::move(message), who.pid);
            return {};
        }
        if (!wait) return fail(EAGAIN);
        waiter.message = std::move(message);
        waiter.pid = who.pid;
        senders_.push_back(waiter);
    }
    return sleep(waiter, &MessageQueue::senders_);
}

Result<mm::Owned<Message>> MessageQueue::receive(MessageFilter const& filter, bool wait, Requester const& who) {
    Waiter waiter;
    {
        Locked guard(lock);
        TRY(permit(who, may_read_all));
        if (removed) return fail(EIDRM);
        if (Message* const found = find(filter)) {
            if (found->text.size() > filter.capacity && !filter.truncate) return fail(E2BIG);
            return take(*found, who.pid);
        }
        if (!wait) return fail(ENOMSG);
        waiter.filter = &filter;
        waiter.pid = who.pid;
        receivers_.push_back(waiter);
    }
    TRY(sleep(waiter, &MessageQueue::receivers_));
    return std::move(waiter.message);
}

/// The memory is allocated before the lock is taken: as much as asked for, but no more than a message may have now.
Result<mm::Owned<Message>> MessageQueue::copy(u64 index, u64 capacity, bool truncate, Requester const& who) {
    mm::Owned<Message> out(TRY(mm::make<Message>()));
    auto const room = TRY(mm::Buffer::allocate(std::max<u64>(std::min<u64>(capacity, msgmax.load(std::memory_order_relaxed)), 1)));
    size_t size;
    {
        Locked guard(lock);
        TRY(permit(who, may_read_all));
        if (removed) return fail(EIDRM);
        auto at = messages_.begin();
        for (; at != messages_.end() && index > 0; --index) ++at;
        if (at == messages_.end()) return fail(ENOMSG);
        if (at->text.size() > capacity) return fail(truncate ? EINVAL : E2BIG);   // a copy is never cut
        size = at->text.size();
        if (size > room.size()) return fail(EINVAL);                              // sent when the limit was higher
        std::memcpy(room.data(), at->text.data(), size);
        out->type = at->type;
    }
    out->text = TRY(mm::Buffer::allocate(size));
    std::memcpy(out->text.data(), room.data(), size);
    return out;
}

Result<msqid64_ds> MessageQueue::status(Requester const& who, bool check_rights) {
    msqid64_ds out{};
    Locked guard(lock);
    if (check_rights) TRY(permit(who, may_read_all));
    if (removed) return fail(EIDRM);
    out.msg_perm = describe();
    out.msg_stime = sent_s_;
    out.msg_rtime = received_s_;
    out.msg_ctime = changed_s;
    out.msg_cbytes = bytes_;
    out.msg_qnum = count_;
    out.msg_qbytes = capacity_;
    out.msg_lspid = last_sender_.value;
    out.msg_lrpid = last_receiver_.value;
    return out;
}

Result<> MessageQueue::change(msqid64_ds const& to, Requester const& who) {
    Locked guard(lock);
    TRY(permit_control(who));
    if (removed) return fail(EIDRM);
    if (to.msg_qbytes > msgmnb.load(std::memory_order_relaxed) && !who.is_superuser()) return fail(EPERM);
    TRY(Identity::change(to.msg_perm));
    capacity_ = to.msg_qbytes;
    let_in();
    return {};
}

void MessageQueue::end() {
    Locked guard(lock);
    removed = true;
    for (Waiters* list : {&senders_, &receivers_})
        list->clear_and_dispose([](Waiter* waiter) { waiter->finish(EIDRM); });
}

void MessageQueue::write_line(base::Writer& out) {
    Locked guard(lock);
    if (removed) return;
    base::format_to(out, "{:>10} {:>10}  {:>4o}  {:>10} {:>10} {:>5} {:>5} {:>5} {:>5} {:>5} {:>5} {:>10} {:>10} {:>10}\n", key, id,
                    mode, bytes_, count_, last_sender_.value, last_receiver_.value,
                    uid.value, gid.value, creator_uid.value, creator_gid.value, sent_s_, received_s_, changed_s);
}

MessageTotals message_totals() {
    return {static_cast<i32>(message_queues.count()), all_messages.load(std::memory_order_relaxed), all_bytes.load(std::memory_order_relaxed)};
}

}
