// SPDX-License-Identifier: MIT
// Channel: one direction of a socket pair. lock_ (sleeping: copies may fault) guards the queue; counts and ends are also
// read without it by those who wait.
#pragma once

#include "kernel/ipc/socket_pair.h"

namespace ipc {

class Channel final : public RefCounted<Channel> {
public:
    static constexpr u64 capacity = 208 * 1024;          ///< bytes and bookkeeping; Linux's net.core.wmem_default
    static constexpr u64 largest_message = capacity - 1024;
    static constexpr size_t stream_piece = 16 * 1024;

    explicit Channel(SocketType type) : type_(type) {}
    ~Channel();
    /// One message, or of a stream a piece. False: there is no room yet.
    Result<bool> put(mm::IoBuffer& buffer, size_t size);
    /// What is there. False: nothing yet.
    Result<bool> take(mm::IoBuffer& buffer, bool peek, Received& out);

    bool has_bytes() const { return messages_.load(std::memory_order_acquire) != 0; }
    bool has_room(size_t size) const { return fits(charged(), size); }
    u64 first_size();                                    ///< FIONREAD
    u64 charged() const { return charged_.load(std::memory_order_acquire); }
    // ---- ends
    std::atomic<bool> no_more_writes{false}, no_more_reads{false}, reader_closed{false};
    sched::WaitQueue readers, writers;
    void announce();

    /// Pollers of both sockets: one queue a pair, kept by both channels.
    struct Pollers : RefCounted<Pollers> { sched::WaitQueue queue; };
    Ref<Pollers> pollers;
    MM_OBJECT_CACHE(Channel)
private:
    static constexpr u64 overhead = 64;
    struct Message { Message* next = nullptr; mm::Buffer data; size_t size = 0, done = 0; };
    static bool fits(u64 charged, size_t size) { return charged == 0 || charged + size + overhead <= capacity; }
    bool reserve(size_t size);
    void give_back(u64 bytes);
    Result<mm::Owned<Message>> make_message(mm::IoBuffer& buffer, size_t size) const;
    void drop_first() REQUIRES(lock_);
    SocketType const type_;
    sync::Mutex<LockRank::pipe> lock_;
    Message* first_ GUARDED_BY(lock_) = nullptr;
    Message* last_ GUARDED_BY(lock_) = nullptr;
    std::atomic<u64> charged_{0};                        ///< of messages there and on their way
    std::atomic<u32> messages_{0};
};

}
