// SPDX-License-Identifier: MIT
// Socket pairs. See socket_pair.h and channel.h.
#include "kernel/ipc/socket_pair.h"

#include <algorithm>

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/ipc/channel.h"
#include "kernel/ipc/nameless.h"

namespace ipc {
namespace {

constexpr u32 msg_peek = 2, msg_trunc = 0x20, msg_dontwait = 0x40, msg_waitall = 0x100;   // recv(2)

}

MM_OBJECT_CACHE_DEFINE(Channel)
MM_OBJECT_CACHE_DEFINE(SocketFile)

Channel::~Channel() {
    while (first_) drop_first();
}

void Channel::drop_first() {
    Message* const message = std::exchange(first_, first_->next);
    if (!first_) last_ = nullptr;
    charged_.fetch_sub(message->size + overhead, std::memory_order_acq_rel);
    messages_.fetch_sub(1, std::memory_order_acq_rel);
    delete message;
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

Result<bool> Channel::put(mm::IoBuffer& buffer, size_t size) {
    if (!reserve(size)) return false;
    auto message = make_message(buffer, size);
    if (!message) {
        give_back(size + overhead);
        return fail(message.error());
    }
    if ((*message)->size < size) give_back(size - (*message)->size);
    {
        decltype(lock_)::Guard guard(lock_);
        Message* const added = message->leak();
        (last_ ? last_->next : first_) = added;
        last_ = added;
        messages_.fetch_add(1, std::memory_order_acq_rel);
    }
    readers.wake_one();
    pollers->queue.wake_all();
    return true;
}

Result<bool> Channel::take(mm::IoBuffer& buffer, bool peek, Received& out) {
    bool took = false;
    {
        decltype(lock_)::Guard guard(lock_);
        if (!first_) return false;
        for (Message* message = first_; message && (!took || buffer.remaining() > 0);) {
            Message* const next = message->next;
            size_t const left = message->size - message->done, wanted = std::min<u64>(left, buffer.remaining());
            auto const copied = wanted ? buffer.copy_out(message->data.data() + message->done, wanted) : Result<size_t>(0);
            if (!copied && !took) return fail(copied.error());
            if (!copied) break;
            took = true;
            out.size += *copied;
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

// ---------------------------------------------------------------- sockets

SocketFile::SocketFile(Ref<fs::Dentry> dentry, u32 flags, SocketType type, Ref<Channel> in, Ref<Channel> out)
    : File(std::move(dentry), flags), type_(type), in_(std::move(in)), out_(std::move(out)) {}

SocketFile::~SocketFile() {
    in_->reader_closed.store(true, std::memory_order_release);
    bool const is_datagram = type_ == SocketType::Datagram;
    if (!is_datagram) shut_down(true, true);
    in_->announce();
}

void SocketFile::shut_down(bool reading, bool writing) {
    if (reading) in_->no_more_reads.store(true, std::memory_order_release);
    if (reading && type_ != SocketType::Datagram) in_->no_more_writes.store(true, std::memory_order_release);
    if (writing) out_->no_more_writes.store(true, std::memory_order_release);
    in_->announce();
    out_->announce();
}

Result<size_t> SocketFile::send(mm::IoBuffer& buffer, u32 flags) {
    bool const stream = type_ == SocketType::Stream, waits = !(this->flags() & O_NONBLOCK) && !(flags & msg_dontwait);
    if (!stream && buffer.remaining() > Channel::largest_message) return fail(EMSGSIZE);
    if (stream && buffer.remaining() == 0) return 0;
    size_t total = 0;
    auto const partly = [&](Errno error) { return total ? Result<size_t>(total) : fail(error); };
    do {
        size_t const size = stream ? std::min<u64>(buffer.remaining(), Channel::stream_piece) : buffer.remaining();
        u64 const before = buffer.remaining();
        auto const is_shut = [&] { return out_->no_more_writes.load(std::memory_order_acquire) || out_->no_more_reads.load(std::memory_order_acquire); };
        auto const is_refused = [&] { return out_->reader_closed.load(std::memory_order_acquire); };
        if (is_shut()) return partly(Errno(EPIPE));
        if (is_refused()) return partly(Errno(ECONNREFUSED));
        auto const put = out_->put(buffer, size);
        if (!put) return partly(put.error());
        if (*put) {
            total += before - buffer.remaining();
            if (before - buffer.remaining() < size) return total;
            continue;
        }
        if (!waits) return partly(Errno(EAGAIN));
        if (!out_->writers.wait([&] { return is_shut() || is_refused() || out_->has_room(size); })) return partly(Errno(EINTR));
    } while (buffer.remaining() > 0);
    return total;
}

Result<Received> SocketFile::receive(mm::IoBuffer& buffer, u32 flags) {
    bool const waits = !(this->flags() & O_NONBLOCK) && !(flags & msg_dontwait);
    bool const fills = type_ == SocketType::Stream && (flags & msg_waitall) && !(flags & msg_peek);
    Received out;
    if (type_ == SocketType::Stream && buffer.remaining() == 0) return out;
    u64 const wanted = buffer.remaining();
    for (;;) {
        auto const took = in_->take(buffer, flags & msg_peek, out);
        if (!took) return out.size ? Result<Received>(out) : fail(took.error());
        if (*took && !(fills && buffer.remaining() > 0)) break;
        auto const ended = [&] { return in_->no_more_writes.load(std::memory_order_acquire) || in_->no_more_reads.load(std::memory_order_acquire); };
        if (ended() && !in_->has_bytes()) return out;
        if (!waits) return out.size ? Result<Received>(out) : fail(EAGAIN);
        if (!in_->readers.wait([&] { return in_->has_bytes() || ended(); })) return out.size ? Result<Received>(out) : fail(EINTR);
    }
    if (out.truncated && !(flags & msg_trunc)) out.size = wanted;
    return out;
}

Result<size_t> SocketFile::do_read(u64, mm::IoBuffer& buffer) { return TRY(receive(buffer, 0)).size; }

fs::PollEvents SocketFile::poll(sched::WaitQueue*& queue_out) {
    queue_out = &in_->pollers->queue;
    bool const in_shut = in_->no_more_writes.load(std::memory_order_acquire) || in_->no_more_reads.load(std::memory_order_acquire);
    bool const out_shut = out_->no_more_writes.load(std::memory_order_acquire) || out_->no_more_reads.load(std::memory_order_acquire);
    fs::PollEvents events = in_->has_bytes() || in_shut ? POLLIN | POLLRDNORM : 0;
    if (in_shut) events |= POLLRDHUP;
    if (in_shut && out_shut) events |= POLLHUP;
    if (out_->charged() * 4 <= Channel::capacity) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}

Result<i64> SocketFile::ioctl(u32 command, u64 argument) {
    if (command != FIONREAD) return fail(ENOTTY);
    TRY(mm::UserPtr<i32>(argument).write(static_cast<i32>(in_->first_size())));
    return 0;
}

Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_socket_pair(SocketType type, u32 flags, fs::Credentials const& who) {
    auto one = TRY(mm::make_ref<Channel>(type)), other = TRY(mm::make_ref<Channel>(type));
    one->pollers = other->pollers = TRY(mm::make_ref<Channel::Pollers>());
    auto first = TRY(make_socket_dentry(who)), second = TRY(make_socket_dentry(who));
    u32 const status = O_RDWR | (flags & O_NONBLOCK);
    Ref<fs::File> left(TRY(mm::make_ref<SocketFile>(std::move(first), status, type, one, other)));
    Ref<fs::File> right(TRY(mm::make_ref<SocketFile>(std::move(second), status, type, other, one)));
    return std::pair(std::move(left), std::move(right));
}

}
