// SPDX-License-Identifier: MIT
// Channel: one direction of a socket pair. lock_ (sleeping: copies may fault) guards the queue; counts and ends are also
// read without it by those who wait.
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
    /// One message, or of a stream a piece. False: there is no room yet. EFAULT ENOMEM; EPIPE: the reader is gone.
    Result<bool> put(mm::IoBuffer& buffer, size_t size, Outgoing& extra);
    /// What is there. False: nothing yet.
    Result<bool> take(mm::IoBuffer& buffer, bool peek, Received& out);
    /// The reader is gone: nothing is kept, nothing comes any more.
    void close();

    bool has_bytes() const { return messages_.load(std::memory_order_acquire) != 0; }
    /// A message may be put: the last one may go beyond the capacity, so that POLLOUT and EAGAIN are never both true.
    bool has_room() const { return charged() < capacity.load(std::memory_order_relaxed); }
    bool is_mostly_free() const { return (charged() + 1) * 4 <= capacity.load(std::memory_order_relaxed); }
    u64 largest_message() const { return capacity.load(std::memory_order_relaxed) - 32; }
    /// Of a stream: bytes that are one message at most.
    size_t largest_piece() const { return std::min<u64>(capacity.load(std::memory_order_relaxed) / 2 - 64, one_block); }
    u64 first_size();                                    ///< FIONREAD
    u64 held_pages() const { return (charged() + page_size - 1) / page_size; }
    // ---- ends
    std::atomic<bool> no_more_writes{false}, no_more_reads{false}, reader_closed{false};
    std::atomic<bool> was_reset{false};                  ///< the writer went without having read all: the reader hears of it once
    std::atomic<bool> was_refused{false};                ///< the writer of datagrams knows that nobody reads
    sched::WaitQueue readers, writers;
    void announce();                                     ///< an end
    void announce_room();
    // ---- options
    std::atomic<u64> capacity{usual_capacity};           ///< SO_SNDBUF of the writer
    std::atomic<bool> tells_sender{false};               ///< SO_PASSCRED of the reader

    /// Messages with sockets among their files. Guarded by flight_lock (passed_files.cpp).
    base::List<Flight, &Flight::hook> flights;

    /// Pollers of one socket: kept by the channel it reads and the one it writes.
    struct Pollers : RefCounted<Pollers> { sched::WaitQueue queue; };
    Ref<Pollers> reading_side, writing_side;
    MM_OBJECT_CACHE(Channel)
private:
    // What Linux takes for a message: a header, the bytes with a tail in a block of a power of two, the rest in pages.
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
    std::atomic<u64> charged_{0};                        ///< of messages there and on their way
    std::atomic<u32> messages_{0};
};

}
