// SPDX-License-Identifier: MIT
// Socket pairs: two files over two channels, each of which reads one and writes the other. A send or receive waits in the
// channel's queues; the ends of a channel are flags that every waiter checks.
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

MM_OBJECT_CACHE_DEFINE(SocketFile)

constinit base::FromAbove<Sender()> current_sender;

SocketFile::SocketFile(Ref<fs::Dentry> dentry, u32 flags, SocketType type, Ref<Channel> in, Ref<Channel> out, Sender const& maker)
    : File(std::move(dentry), flags), receive_buffer(Channel::usual_capacity), type_(type), in_(std::move(in)), out_(std::move(out)),
      maker_(maker) {}

SocketFile::~SocketFile() {
    bool const is_datagram = type_ == SocketType::Datagram;
    if (!is_datagram && in_->has_bytes()) out_->was_reset.store(true, std::memory_order_release);
    if (!is_datagram) shut_down(true, true);
    in_->reader_closed.store(true, std::memory_order_release);
    in_->close();
    in_->announce();
    look_for_circles();
}

bool SocketFile::take_reset() {
    return in_->was_reset.load(std::memory_order_acquire) && in_->was_reset.exchange(false, std::memory_order_acq_rel);
}

void SocketFile::shut_down(bool reading, bool writing) {
    if (reading) in_->no_more_reads.store(true, std::memory_order_release);
    if (reading && type_ != SocketType::Datagram) in_->no_more_writes.store(true, std::memory_order_release);
    if (writing) out_->no_more_writes.store(true, std::memory_order_release);
    in_->announce();
    out_->announce();
}

Result<size_t> SocketFile::send(mm::IoBuffer& buffer, u32 flags, Outgoing& extra) {
    bool const stream = type_ == SocketType::Stream, waits = !(this->flags() & O_NONBLOCK) && !(flags & msg_dontwait);
    if (!stream && buffer.remaining() > out_->largest_message()) return fail(EMSGSIZE);
    if (type_ == SocketType::Sequenced && take_reset()) return fail(ECONNRESET);
    if (!extra.names_sender && (in_->tells_sender.load(std::memory_order_relaxed) || out_->tells_sender.load(std::memory_order_relaxed)))
        extra.sender = current_sender();
    size_t total = 0;
    auto const partly = [&](Errno error) { return total ? Result<size_t>(total) : fail(error); };
    do {
        size_t const size = stream ? std::min<u64>(buffer.remaining(), out_->largest_piece()) : buffer.remaining();
        auto const is_shut = [&] { return out_->no_more_writes.load(std::memory_order_acquire) || out_->no_more_reads.load(std::memory_order_acquire); };
        auto const is_refused = [&] { return out_->reader_closed.load(std::memory_order_acquire); };
        if (is_shut()) return partly(Errno(EPIPE));
        if (is_refused()) return partly(Errno(out_->was_refused.exchange(true, std::memory_order_relaxed) ? ENOTCONN : ECONNREFUSED));
        if (stream && size == 0) return total;
        auto const put = out_->put(buffer, size, extra);
        if (!put) return partly(put.error());
        if (*put) {
            total += size;
            continue;
        }
        if (!waits) return partly(Errno(EAGAIN));
        if (!out_->writers.wait([&] { return is_shut() || is_refused() || out_->has_room(); })) return partly(Errno(EINTR));
    } while (buffer.remaining() > 0);
    return total;
}

Result<Received> SocketFile::receive(mm::IoBuffer& buffer, u32 flags) {
    bool const waits = !(this->flags() & O_NONBLOCK) && !(flags & msg_dontwait);
    bool const fills = type_ == SocketType::Stream && (flags & msg_waitall) && !(flags & msg_peek);
    Received out;
    if (type_ == SocketType::Sequenced && take_reset()) return fail(ECONNRESET);
    u64 const wanted = buffer.remaining();
    auto const partly = [&](Errno error) { return out.size ? Result<Received>(std::move(out)) : fail(error); };
    for (;;) {
        auto const took = in_->take(buffer, flags & msg_peek, out);
        if (!took) return partly(took.error());
        if (*took && (out.ends_here || !(fills && buffer.remaining() > 0))) break;
        auto const ended = [&] { return in_->no_more_writes.load(std::memory_order_acquire) || in_->no_more_reads.load(std::memory_order_acquire); };
        if (ended() && !in_->has_bytes()) {
            if (take_reset()) return partly(Errno(ECONNRESET));
            return out;
        }
        if (!waits) return partly(Errno(EAGAIN));
        if (!in_->readers.wait([&] { return in_->has_bytes() || ended(); })) return partly(Errno(EINTR));
    }
    if (out.truncated && !(flags & msg_trunc)) out.size = wanted;
    return out;
}

/// A read of 0 bytes takes nothing, not even an empty message; a recv(2) of 0 bytes waits for a message.
Result<size_t> SocketFile::do_read(u64, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    return TRY(receive(buffer, 0)).size;
}

Result<size_t> SocketFile::do_write(u64, mm::IoBuffer& buffer) {
    Outgoing bytes_only;
    return send(buffer, 0, bytes_only);
}

u64 SocketFile::held_pages() const { return in_->held_pages(); }

fs::PollEvents SocketFile::poll(sched::WaitQueue*& queue_out) {
    queue_out = &in_->reading_side->queue;
    bool const in_shut = in_->no_more_writes.load(std::memory_order_acquire) || in_->no_more_reads.load(std::memory_order_acquire);
    bool const out_shut = out_->no_more_writes.load(std::memory_order_acquire) || out_->no_more_reads.load(std::memory_order_acquire);
    fs::PollEvents events = in_->has_bytes() || in_shut ? POLLIN | POLLRDNORM : 0;
    if (in_->was_reset.load(std::memory_order_acquire)) events |= POLLERR;
    if (in_shut) events |= POLLRDHUP;
    if (in_shut && out_shut) events |= POLLHUP;
    if (out_->is_mostly_free()) events |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return events;
}

Result<i64> SocketFile::ioctl(u32 command, u64 argument) {
    if (command != FIONREAD) return fail(ENOTTY);
    TRY(mm::UserPtr<i32>(argument).write(static_cast<i32>(in_->first_size())));
    return 0;
}

Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_socket_pair(SocketType type, u32 flags, fs::Credentials const& who, Sender const& maker) {
    auto one = TRY(mm::make_ref<Channel>(type)), other = TRY(mm::make_ref<Channel>(type));
    one->reading_side = other->writing_side = TRY(mm::make_ref<Channel::Pollers>());
    other->reading_side = one->writing_side = TRY(mm::make_ref<Channel::Pollers>());
    auto first = TRY(make_socket_dentry(who)), second = TRY(make_socket_dentry(who));
    u32 const status = O_RDWR | (flags & O_NONBLOCK);
    Ref<fs::File> left(TRY(mm::make_ref<SocketFile>(std::move(first), status, type, one, other, maker)));
    Ref<fs::File> right(TRY(mm::make_ref<SocketFile>(std::move(second), status, type, other, one, maker)));
    return std::pair(std::move(left), std::move(right));
}

}
