// SPDX-License-Identifier: MIT
// Channel: one direction of a socket pair. lock_ (sleeping, because copies may fault) guards the queue; waiters also read
// the counts and the ends without it.
#pragma once

#include <algorithm>
#include <bit>

#include "kernel/ipc/socket_pair.h"

namespace ipc {

class Channel final : public RefCounted<Channel> {
public:
    static constexpr u64 usual_capacity = 208 * 1024;    ///< bytes and bookkeeping; Linux's net.core.wmem_default

    explicit Channel(SocketType type) : type_(type) {}
    ~Channel() { discard(); }
    /// Puts one message, or a piece of a stream. False: there is no room yet. EFAULT ENOMEM; EPIPE (of datagrams ECONNREFUSED): the
    /// reader is gone.
    Result<bool> put(mm::IoBuffer& buffer, size_t size, Outgoing& extra);
    /// Takes what is there. False: nothing yet.
    Result<bool> take(mm::IoBuffer& buffer, bool peek, Received& out);
    /// The reader is gone: drops all messages and accepts no more.
    void close();

    bool has_bytes() const { return messages_.load(std::memory_order_acquire) != 0; }
    /// A message may be put: the last one may exceed the capacity, so that POLLOUT and EAGAIN are never both true.
    bool has_room() const { return charged() < capacity.load(std::memory_order_relaxed); }
    bool is_mostly_free() const { return (charged() + 1) * 4 <= capacity.load(std::memory_order_relaxed); }
    u64 largest_message() const { return capacity.load(std::memory_order_relaxed) - 32; }
    /// The most bytes of a stream that form one message.
    size_t largest_piece() const { return std::min<u64>(capacity.load(std::memory_order_relaxed) / 2 - 64, one_block); }
    u64 first_size();                                    ///< FIONREAD
    u64 held_pages() const { return (charged() + page_size - 1) / page_size; }
    // ---- Ends
    std::atomic<bool> no_more_writes{false}, no_more_reads{false}, reader_closed{false};
    std::atomic<bool> was_reset{false};                  ///< the writer closed with unread bytes: reported to the reader once
    std::atomic<bool> was_refused{false};                ///< the writer of datagrams has been told that nobody reads
    sched::WaitQueue readers, writers;
    void announce();                                     ///< wakes everyone: an end has changed
    void announce_room();
    // ---- Options
    std::atomic<u64> capacity{usual_capacity};           ///< SO_SNDBUF of the writer
    std::atomic<bool> tells_sender{false};               ///< SO_PASSCRED of the reader

    /// Messages with sockets among their files. flight_lock (passed_files.cpp) guards it.
    base::List<Flight, &Flight::hook> flights;

    /// Pollers of one socket: held by the channel that it reads and by the one that it writes.
    struct Pollers : RefCounted<Pollers> { sched::WaitQueue queue; };
    Ref<Pollers> reading_side, writing_side;
    MM_OBJECT_CACHE(Channel)
private:
    // Linux's charge for a message: a header, the bytes and a tail in a block of a power of two, the rest in pages.
    static constexpr u64 header = 256, tail = 320, one_block = 16 * kib - tail;
    static u64 cost_of(size_t size) {
        u64 const in_block = std::min<u64>(size, one_block);
        return header + std::bit_ceil(align_up(in_block, 64) + tail) + align_up(size - in_block, page_size);
    }
    struct Message;
    u64 charged() const { return charged_.load(std::memory_order_acquire); }
    bool reserve(size_t size);
    void give_back(size_t size);
    Result<mm::Owned<Message>> make_message(mm::IoBuffer& buffer, size_t size) const;
    bool enter(mm::Owned<Message>& message, Outgoing& extra);
    bool continues(Message const& message, Received const& out) const;
    Result<> accompany(Message& message, bool peek, Received& out);
    Result<bool> take_messages(mm::IoBuffer& buffer, bool peek, Received& out, bool& freed) REQUIRES(lock_);
    Result<> take_whole(Message& message, mm::IoBuffer& buffer, bool peek, Received& out) REQUIRES(lock_);
    void drop_first() REQUIRES(lock_);
    void discard();
    SocketType const type_;
    sync::Mutex<LockRank::pipe> lock_;
    Message* first_ GUARDED_BY(lock_) = nullptr;
    Message* last_ GUARDED_BY(lock_) = nullptr;
    bool is_closed_ GUARDED_BY(lock_) = false;
    std::atomic<u64> charged_{0};                        ///< for messages in the queue and those being made
    std::atomic<u32> messages_{0};
};

}
