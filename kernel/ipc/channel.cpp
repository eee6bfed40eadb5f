// SPDX-License-Identifier: MIT
// One direction of a socket pair: a queue of messages. Room is reserved before memory is allocated, and files leave a message (they
// land) before it is deleted, so that no last reference to a file is dropped under lock_.
#include "kernel/ipc/channel.h"

#include <linux/poll.h>

namespace ipc {
namespace {

constexpr u32 bytes_came = POLLIN | POLLPRI | POLLRDNORM | POLLRDBAND, room_came = POLLOUT | POLLWRNORM | POLLWRBAND;

}

MM_OBJECT_CACHE_DEFINE(Channel)

struct Channel::Message {
    Message* next = nullptr;
    mm::Buffer data;
    size_t size = 0, done = 0;
    Sender sender;
    Flight flight;
};

/// Drops no last reference to a file: the message's files have landed, or it had none.
void Channel::drop_first() {
    Message* const message = std::exchange(first_, first_->next);
    if (!first_) last_ = nullptr;
    charged_.fetch_sub(cost_of(message->size), std::memory_order_acq_rel);
    messages_.fetch_sub(1, std::memory_order_acq_rel);
    delete message;
}

/// The files are dropped without the lock.
void Channel::discard() {
    for (;;) {
        PassedFiles files;
        {
            Locked guard(lock_);
            if (!first_) return;
            files = first_->flight.land();
            drop_first();
        }
    }
}

void Channel::close() {
    {
        Locked guard(lock_);
        is_closed_ = true;
    }
    discard();
}

void Channel::announce() {
    readers.wake_all();
    writers.wake_all();
    reading_side->queue.wake_all();
    writing_side->queue.wake_all();
}

void Channel::announce_room() {
    writers.wake_all();
    if (is_mostly_free()) writing_side->queue.wake_all(room_came);
}

/// Takes the room before the memory, so that concurrent senders together get no more than there is. False: there is none.
bool Channel::reserve(size_t size) {
    u64 charged = charged_.load(std::memory_order_acquire);
    do {
        if (charged >= capacity.load(std::memory_order_relaxed)) return false;
    } while (!charged_.compare_exchange_weak(charged, charged + cost_of(size), std::memory_order_acq_rel));
    return true;
}

void Channel::give_back(size_t size) {
    charged_.fetch_sub(cost_of(size), std::memory_order_acq_rel);
    announce_room();
}

/// Copies all bytes, or fails with EFAULT.
Result<mm::Owned<Channel::Message>> Channel::make_message(mm::IoBuffer& buffer, size_t size) const {
    mm::Owned<Message> message(TRY(mm::make<Message>()));
    message->size = size;
    if (size == 0) return message;
    message->data = TRY(mm::Buffer::allocate(size));
    TRY(buffer.copy_whole_in(message->data.data(), size));
    return message;
}

/// False: the reader is gone.
bool Channel::enter(mm::Owned<Message>& message, Outgoing& extra) {
    Locked guard(lock_);
    if (is_closed_) return false;
    Message* const added = message.leak();
    added->sender = extra.sender;
    if (extra.files) added->flight.depart(std::exchange(extra.files, PassedFiles()), *this);
    (last_ ? last_->next : first_) = added;
    last_ = added;
    messages_.fetch_add(1, std::memory_order_acq_rel);
    return true;
}

Result<bool> Channel::put(mm::IoBuffer& buffer, size_t size, Outgoing& extra) {
    if (!reserve(size)) return false;
    auto message = make_message(buffer, size);
    if (!message || !enter(*message, extra)) {
        give_back(size);
        if (!message) return fail(message.error());
        return fail(type_ == SocketType::Datagram ? ECONNREFUSED : EPIPE);
    }
    readers.wake_one();
    reading_side->queue.wake_all(bytes_came);
    return true;
}

/// Whether bytes of this message may follow the ones taken before. Bytes of two senders never mix if the reader asks for senders.
bool Channel::continues(Message const& message, Received const& out) const {
    return !out.has_sender || !tells_sender.load(std::memory_order_relaxed) || message.sender == out.sender;
}

/// Fills in the sender and the files that came with the message.
Result<> Channel::accompany(Message& message, bool peek, Received& out) {
    out.has_sender = true;
    out.sender = message.sender;
    if (!message.flight.has_files()) return {};
    out.ends_here = true;
    out.files = peek ? TRY(message.flight.copy()) : message.flight.land();
    return {};
}

/// Takes a datagram, or the part for which there is room. If its bytes cannot be written, it is lost, as in Linux.
Result<> Channel::take_whole(Message& message, mm::IoBuffer& buffer, bool peek, Received& out) {
    size_t const size = message.size, wanted = std::min<u64>(size, buffer.remaining());
    bool const is_told = wanted == 0 || buffer.copy_whole_out(message.data.data(), wanted);
    auto accompanied = is_told || !peek ? accompany(message, peek, out) : Result<>();
    if (!peek) drop_first();                             // the message is gone
    if (!is_told) return fail(EFAULT);
    TRY(accompanied);
    out.truncated = wanted < size;
    out.size = size;                                     // for MSG_TRUNC; otherwise the caller cuts it
    return {};
}

/// Takes as much of each message of a stream as there is room for, or nothing: after a fault it stays, and does not count as taken.
Result<bool> Channel::take_messages(mm::IoBuffer& buffer, bool peek, Received& out, bool& freed) {
    if (!first_) return false;
    if (type_ != SocketType::Stream) {
        freed = !peek;
        TRY(take_whole(*first_, buffer, peek, out));
        return true;
    }
    bool took = false;
    for (Message* message = first_; message && !out.ends_here && (!took || buffer.remaining() > 0);) {
        if (!continues(*message, out)) {
            out.ends_here = true;
            break;
        }
        Message* const next = message->next;
        size_t const left = message->size - message->done, wanted = std::min<u64>(left, buffer.remaining());
        if (wanted && !buffer.copy_whole_out(message->data.data() + message->done, wanted)) {
            if (out.size == 0) return fail(EFAULT);
            out.ends_here = true;
            break;
        }
        TRY(accompany(*message, peek, out));
        took = true;
        out.size += wanted;
        if (!peek) message->done += wanted;
        if (wanted < left) break;
        if (!peek) drop_first();
        freed |= !peek;
        message = next;
    }
    return true;
}

/// Each message wakes one reader: whatever the result of that reader's call, it wakes the next one if something is left.
Result<bool> Channel::take(mm::IoBuffer& buffer, bool peek, Received& out) {
    bool freed = false;
    auto const took = [&] {
        Locked guard(lock_);
        return take_messages(buffer, peek, out, freed);
    }();
    if (freed) announce_room();
    if (has_bytes()) readers.wake_one();
    return took;
}

u64 Channel::first_size() {
    Locked guard(lock_);
    u64 total = 0;
    for (Message* message = first_; message; message = message->next) {
        total += message->size - message->done;
        if (type_ != SocketType::Stream) break;
    }
    return total;
}

}
