// SPDX-License-Identifier: MIT
// PipeBuffer: the ring behind a pipe or FIFO, its ends and those who wait. lock_ (sleeping: a copy
// to a program may fault) guards the ring; the counts of bytes and ends are also read
// without it by waiters. A page comes when the first byte is put there and stays until the last end closes.
#pragma once

#include "kernel/fs/dentry.h"
#include "kernel/sync/mutex.h"
#include "mm/user/user_access.h"

namespace ipc {

enum class Blocking : u8 { No, Yes };

class PipeBuffer final : public fs::InodeAttachment {
public:
    static constexpr size_t atomic_write = 4096;         ///< PIPE_BUF
    static constexpr u32 default_pages = 16;

    PipeBuffer() = default;
    ~PipeBuffer() override;
    /// An end has been opened: the first to open one answers for the pipe until the last is closed (pipe_limits.h). ENFILE.
    Result<> begin(fs::Credentials const& maker);

    /// Waits for bytes unless there are no writers. EAGAIN, restart_sys, EFAULT.
    Result<size_t> read(mm::IoBuffer& buffer, Blocking blocking);
    /// EPIPE with no reader, EAGAIN, restart_sys, EFAULT, ENOMEM.
    Result<size_t> write(mm::IoBuffer& buffer, Blocking blocking);

    // ---- ends
    void add_reader();
    void add_writer();
    void remove_reader();
    void remove_writer();
    bool has_readers() const { return readers_.load(std::memory_order_acquire) != 0; }
    bool has_writers() const { return writers_.load(std::memory_order_acquire) != 0; }
    /// How many ends were ever opened: a FIFO's opener waits for a change.
    u32 readers_seen() const { return readers_seen_.load(std::memory_order_acquire); }
    u32 writers_seen() const { return writers_seen_.load(std::memory_order_acquire); }
    sched::WaitQueue& openers() { return openers_; }

    u64 used() const { return used_.load(std::memory_order_acquire); }
    bool has_room() const { return capacity_.load(std::memory_order_relaxed) - used() >= atomic_write; }
    sched::WaitQueue& pollers() { return pollers_; }
    u64 held_pages() const { return held_pages_.load(std::memory_order_relaxed); }
    u64 capacity() const { return capacity_.load(std::memory_order_relaxed); }
    /// F_SETPIPE_SZ: EBUSY EINVAL ENOMEM; EPERM: too large for one, or for all of its maker's, and `privileged` is not given.
    Result<u64> resize(u64 bytes, bool privileged);

    MM_OBJECT_CACHE(PipeBuffer)
private:
    using Lock = sync::Mutex<LockRank::pipe>;

    Result<size_t> take(mm::IoBuffer& buffer) REQUIRES(lock_);
    Result<size_t> put(mm::IoBuffer& buffer, u64 limit) REQUIRES(lock_);
    Result<std::byte*> page_at(u64 position) REQUIRES(lock_);
    void drop_pages() REQUIRES(lock_);
    void forget_bytes();
    void move_pages(mm::FrameRef* to, mm::FrameRef& spare) REQUIRES(lock_);
    void announce_bytes(bool was_empty);
    void announce_room(bool had_room);

    Lock lock_;
    fs::Charge charge_ GUARDED_BY(lock_);                ///< its capacity in pages
    u64 head_ GUARDED_BY(lock_) = 0;                     ///< position of the next byte to read
    std::atomic<u64> used_{0};                           ///< written under lock_
    std::atomic<u64> held_pages_{0};                     ///< that are there; written under lock_
    std::atomic<u64> capacity_{default_pages * page_size};   ///< written under lock_
    mm::FrameRef inline_pages_[default_pages] GUARDED_BY(lock_);
    mm::FrameRef* pages_ GUARDED_BY(lock_) = inline_pages_;
    std::atomic<u32> readers_{0}, writers_{0}, readers_seen_{0}, writers_seen_{0};
    sched::WaitQueue read_queue_, write_queue_, pollers_, openers_;
};

}
