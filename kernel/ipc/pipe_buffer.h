// SPDX-License-Identifier: MIT
// PipeBuffer: the ring behind a pipe or FIFO, its ends and its waiters. The ring has slots of a page: the part of a write beyond
// whole pages is appended to the last slot if it fits there, the rest goes into slots of its own, as in Linux, so a slot may end
// with unused bytes. lock_ (sleeping, because a copy to a program may fault) guards the ring; waiters also read the counts of used
// slots and ends without it. A slot's page is allocated with its first byte and kept until the last end closes.
#pragma once

#include "kernel/fs/dentry.h"
#include "kernel/sync/mutex.h"
#include "mm/user/user_access.h"

namespace ipc {

enum class Blocking : u8 { No, Yes };
/// Packets (O_DIRECT): a read takes one write of up to a page, and the bytes that it leaves are lost.
enum class PipeMode : u8 { Stream, Packets };

class PipeBuffer final : public fs::InodeAttachment {
public:
    static constexpr size_t atomic_write = 4096;         ///< PIPE_BUF
    static constexpr u32 default_pages = 16;

    PipeBuffer() = default;
    ~PipeBuffer() override;
    /// An end has been opened: the user that opens the first one is charged until the last is closed (pipe_limits.h). ENFILE.
    Result<> begin(fs::Credentials const& maker);

    /// Waits for bytes unless there are no writers. EAGAIN, restart_sys, EFAULT.
    Result<size_t> read(mm::IoBuffer& buffer, Blocking blocking);
    /// EPIPE with no reader, EAGAIN, restart_sys, EFAULT, ENOMEM.
    Result<size_t> write(mm::IoBuffer& buffer, Blocking blocking, PipeMode mode = PipeMode::Stream);

    // ---- Ends
    void add_reader();
    void add_writer();
    void remove_reader();
    void remove_writer();
    bool has_readers() const { return readers_.load(std::memory_order_acquire) != 0; }
    bool has_writers() const { return writers_.load(std::memory_order_acquire) != 0; }
    /// The number of ends ever opened: the opener of a FIFO waits for a change.
    u32 readers_seen() const { return readers_seen_.load(std::memory_order_acquire); }
    u32 writers_seen() const { return writers_seen_.load(std::memory_order_acquire); }
    sched::WaitQueue& openers() { return openers_; }

    bool has_bytes() const { return used() != 0; }
    bool has_room() const { return used() < slots(); }
    u64 byte_count();                                    ///< FIONREAD
    sched::WaitQueue& pollers() { return pollers_; }
    u64 held_pages() const { return held_pages_.load(std::memory_order_relaxed); }
    u64 capacity() const { return u64{slots()} * page_size; }
    /// F_SETPIPE_SZ: EBUSY EINVAL ENOMEM; EPERM: beyond the limit of one pipe, or of all pipes of its maker, and not `privileged`.
    Result<u64> resize(u64 bytes, bool privileged);

    MM_OBJECT_CACHE(PipeBuffer)
private:
    using Lock = sync::Mutex<LockRank::pipe>;

    struct Slot {
        mm::FrameRef page;                               ///< kept when the slot becomes free
        u16 start = 0, size = 0;                         ///< bytes; size is not 0 in a used slot
        bool is_packet = false;
    };
    u32 used() const { return used_.load(std::memory_order_acquire); }
    u32 slots() const { return slot_count_.load(std::memory_order_relaxed); }
    Slot& slot(u32 index) REQUIRES(lock_) { return slots_[(first_ + index) & (slots() - 1)]; }
    Result<size_t> take(mm::IoBuffer& buffer) REQUIRES(lock_);
    Result<size_t> put(mm::IoBuffer& buffer, PipeMode mode) REQUIRES(lock_);
    bool append(mm::IoBuffer& buffer, Result<size_t>& done) REQUIRES(lock_);
    void drop_pages() REQUIRES(lock_);
    void forget_bytes();
    void announce_bytes(bool was_empty);
    void announce_room();

    Lock lock_;
    fs::Charge charge_ GUARDED_BY(lock_);                ///< its capacity in pages
    u32 first_ GUARDED_BY(lock_) = 0;                    ///< index of the first used slot
    std::atomic<u32> used_{0};                           ///< slots; written under lock_
    std::atomic<u64> held_pages_{0};                     ///< pages allocated; written under lock_
    std::atomic<u32> slot_count_{default_pages};         ///< a power of two; written under lock_
    Slot inline_slots_[default_pages] GUARDED_BY(lock_);
    Slot* slots_ GUARDED_BY(lock_) = inline_slots_;
    std::atomic<u32> readers_{0}, writers_{0}, readers_seen_{0}, writers_seen_{0};
    sched::WaitQueue read_queue_, write_queue_, pollers_, openers_;
};

}
