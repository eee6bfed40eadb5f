// SPDX-License-Identifier: MIT
// One direction of a socket pair. See channel.h.
#include "kernel/ipc/channel.h"

#include <algorithm>

namespace ipc {

MM_OBJECT_CACHE_DEFINE(Channel)

struct Channel::Message {
    Message* next = nullptr;
    mm::Buffer data;
    size_t size = 0, done = 0;
    Sender sender;
    Flight flight;
};

/// No file's last reference is among what goes here: those have landed, or there were none.
void Channel::drop_first() {
    Message* const message = std::exchange(first_, first_->next);
    if (!first_) last_ = nullptr;
    charged_.fetch_sub(message->size + overhead, std::memory_order_acq_rel);
    messages_.fetch_sub(1, std::memory_order_acq_rel);
    delete message;
}

/// Files are given back without the lock.
void Channel::discard() {
    for (;;) {
        PassedFiles files;
        {
            decltype(lock_)::Guard guard(lock_);
            if (!first_) return;
            files = first_->flight.land();
            drop_first();
        }
    }
}

void Channel::close() {
    {
        decltype(lock_)::Guard guard(lock_);
        is_closed_ = true;
    }
    discard();
}

void Channel::announce() {
    readers.wake_all();
    writers.wake_all();
    pollers->queue.wake_all();
}

/// Takes the room before the memory, so that many senders at once get no more than there is. False: there is none.
bool Channel::reserve(size_t size) {
    u64 charged = charged_.load(std::memory_order_acquire);
    do {
        if (!fits(charged, size)) return false;
    } while (!charged_.compare_exchange_weak(charged, charged + size + overhead, std::memory_order_acq_rel));
    return true;
}

void Channel::give_back(u64 bytes) {
    charged_.fetch_sub(bytes, std::memory_order_acq_rel);
    writers.wake_all();
    pollers->queue.wake_all();
}

Result<mm::Owned<Channel::Message>> Channel::make_message(mm::IoBuffer& buffer, size_t size) const {
    mm::Owned<Message> message(TRY(mm::make<Message>()));
    if (size) message->data = TRY(mm::Buffer::allocate(size));
    message->size = size ? TRY(buffer.copy_in(message->data.data(), size)) : 0;
    if (message->size < size && type_ != SocketType::Stream) return fail(EFAULT);
    return message;
}

/// False: nobody will read it.
bool Channel::enter(mm::Owned<Message>& message, Outgoing& extra) {
    decltype(lock_)::Guard guard(lock_);
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
    if (!message) {
        give_back(size + overhead);
        return fail(message.error());
    }
    if ((*message)->size < size) give_back(size - (*message)->size);
    size_t const kept = (*message)->size;
    if (!enter(*message, extra)) {
        give_back(kept + overhead);
        return fail(type_ == SocketType::Datagram ? ECONNREFUSED : EPIPE);
    }
    readers.wake_one();
    pollers->queue.wake_all();
    return true;
}

/// May bytes of this message follow those that were taken? Those of two senders never mix, if the reader asks who they are.
bool Channel::continues(Message const& message, Received const& out) const {
    return !out.has_sender || !tells_sender.load(std::memory_order_relaxed) || message.sender == out.sender;
}

/// Who sent it, and the files that came with it.
Result<> Channel::accompany(Message& message, bool peek, Received& out) {
    out.has_sender = true;
    out.sender = message.sender;
    if (!message.flight.has_files()) return {};
    out.ends_here = true;
    out.files = peek ? TRY(message.flight.copy()) : message.flight.land();
    return {};
}

Result<bool> Channel::take(mm::IoBuffer& buffer, bool peek, Received& out) {
    bool took = false;
    {
        decltype(lock_)::Guard guard(lock_);
        if (!first_) return false;
        for (Message* message = first_; message && !out.ends_here && (!took || buffer.remaining() > 0);) {
            if (!continues(*message, out)) {
                out.ends_here = true;
                break;
            }
            Message* const next = message->next;
            size_t const left = message->size - message->done, wanted = std::min<u64>(left, buffer.remaining());
            auto const copied = wanted ? buffer.copy_out(message->data.data() + message->done, wanted) : Result<size_t>(0);
            if (!copied && !took) return fail(copied.error());
            if (!copied) break;
            took = true;
            out.size += *copied;
            TRY(accompany(*message, peek, out));
            if (type_ != SocketType::Stream) {
                out.truncated = *copied < left;
                if (out.truncated) out.size = left;      // MSG_TRUNC; the caller cuts it otherwise
                if (!peek) drop_first();
                break;
            }
            if (!peek) message->done += *copied;
            if (*copied < left) break;
            if (!peek) drop_first();
            message = next;
        }
    }
    if (!peek) {
        writers.wake_all();
        pollers->queue.wake_all();
    }
    if (has_bytes()) readers.wake_one();
    return true;
}

u64 Channel::first_size() {
    decltype(lock_)::Guard guard(lock_);
    u64 total = 0;
    for (Message* message = first_; message; message = message->next) {
        total += message->size - message->done;
        if (type_ != SocketType::Stream) break;
    }
    return total;
}

}
