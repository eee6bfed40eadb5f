// SPDX-License-Identifier: MIT
// File: an open file description (open(2)), which descriptors of several processes may share.
// It has the position and the status flags. Readiness for poll(2) is announced through a wait queue.
#pragma once

#include <atomic>

#include <base/from_above.h>

#include "kernel/fs/dentry.h"
#include "kernel/sync/mutex.h"
#include "mm/user/user_access.h"

namespace fs {

/// poll(2) events (POLLIN …), UAPI values.
using PollEvents = u32;

/// Watches an open file description without keeping it alive: epoll.
class FileWatcher {
public:
    base::ListHook watch_hook;                   ///< in File::watchers
    virtual void on_file_gone() = 0;             ///< may sleep; must remove itself from the list
protected:
    ~FileWatcher() = default;
};

/// The opener's privilege, which a write to a /proc file acts with. A write that takes privilege bits from a file's mode goes
/// by the writer's (caller_credentials()).
enum class OpenerPrivilege : u8 { None, Superuser };

class File : public RefCounted<File> {
public:
    File(Ref<Dentry> dentry, u32 flags);
    virtual ~File() {
        if (inode() && inode()->locks_if_any()) drop_locks();
        if (is_counted_writer_) inode()->end_writing();
    }

    /// May be null for files without a name.
    Dentry* dentry() const { return dentry_.get(); }
    Inode* inode() const { return dentry_ ? &dentry_->file() : nullptr; }
    u32 flags() const { return flags_.load(std::memory_order_relaxed); }      ///< O_*: access mode and status
    void set_status_flags(u32 flags);                                          ///< F_SETFL: O_APPEND, O_NONBLOCK, … only
    bool is_readable() const { return (rights_ & can_read) != 0; }
    bool is_writable() const { return (rights_ & can_write) != 0; }
    bool is_path_only() const;                                                 ///< O_PATH: names a place, allows nothing

    enum class Run : u8 { Data, Hole };
    // ---- read(2), write(2): move the position (under position_lock), honour O_APPEND. EBADF EINVAL EISDIR ESPIPE …
    Result<size_t> read(mm::IoBuffer& buffer);
    Result<size_t> write(mm::IoBuffer& buffer);
    Result<size_t> read_at(u64 position, mm::IoBuffer& buffer);               ///< pread
    Result<size_t> write_at(u64 position, mm::IoBuffer& buffer);              ///< pwrite
    /// pwritev2(RWF_APPEND): at the end, whatever O_APPEND says.
    Result<size_t> write_at_end(mm::IoBuffer& buffer);
    virtual Result<u64> seek(i64 offset, int whence);
    /// getdents64; moves the position. ENOTDIR.
    virtual Result<> list(DirectorySink& sink) { (void)sink; return fail(ENOTDIR); }

    virtual Result<i64> ioctl(u32 command, u64 argument) { (void)command; (void)argument; return fail(ENOTTY); }
    /// fcntl(2) commands that only one kind of file knows (F_GETPIPE_SZ, F_SETPIPE_SZ). EBADF.
    virtual Result<i64> control(u32 command, u64 argument) { (void)command; (void)argument; return fail(EBADF); }
    /// Ready events now. `queue_out`: where the poller waits for a change (null: always ready).
    virtual PollEvents poll(sched::WaitQueue*& queue_out);
    /// A tag of the class, for calls that take only one kind of file (epoll, sockets): there is no RTTI. Null: any other kind.
    virtual void const* kind() const { return nullptr; }
    virtual Result<Attributes> attributes();
    virtual Result<> truncate(u64 size);                                       ///< ftruncate: EINVAL if not open for writing
    /// How many pages closing it would free: counted when the kernel looks for the process that holds most. Takes no lock.
    virtual u64 held_pages() const { return 0; }
    virtual Result<> synchronise() { return fail(EINVAL); }                   ///< fsync: EINVAL where nothing could be kept
    /// What mmap maps. ENODEV.
    virtual Result<Ref<mm::VmObject>> vm_object();
    /// A number that tells its mappings from those of other open descriptions of the same file. Given at the first call.
    u32 opening();
    /// Whether a write that nobody will read also sends SIGPIPE.
    virtual bool breaks_with_signal() const { return true; }
    /// The answer to readv(2) and writev(2) of no bytes, which call nothing else. EINVAL: this kind of file has no such call.
    virtual Result<> can_be_read() const { return {}; }
    virtual Result<> can_be_written() const { return {}; }
    virtual bool is_seekable() const { return true; }                          ///< else seek, pread, pwrite: ESPIPE
    /// False: every position reads the same (/dev/zero), so read and write need no position_lock.
    virtual bool keeps_position() const { return is_seekable(); }
    /// A descriptor in the table `owner` was closed: drops the locks that belong to the table (fcntl(2)).
    virtual void flush(void const* owner);
    /// Called by Vfs::open, which knows the opener.
    void set_privilege(OpenerPrivilege privilege) { privilege_ = privilege; }
    /// Vfs::open has called Inode::begin_writing() for it.
    void set_counted_writer() { is_counted_writer_ = true; }

    /// Both are guarded by the watchers' own lock (kernel/ipc/epoll.cpp). is_watched_ is never cleared.
    base::List<FileWatcher, &FileWatcher::watch_hook> watchers;
    u32 watcher_count = 0;
    void set_watched() { is_watched_.store(true, std::memory_order_release); }
    void destroy() {
        if (is_watched_.load(std::memory_order_acquire)) [[unlikely]] watched_file_goes(*this);
        delete this;
    }
    /// Notifies the watchers of a file whose last reference is gone. Provided by kernel/ipc.
    static constinit base::FromAbove<void(File& file)> watched_file_goes;

protected:
    // What a kind of file implements. Non-seekable kinds ignore `position`.
    virtual Result<size_t> do_read(u64 position, mm::IoBuffer& buffer) { (void)position; (void)buffer; return fail(EINVAL); }
    virtual Result<size_t> do_write(u64 position, mm::IoBuffer& buffer) { (void)position; (void)buffer; return fail(EINVAL); }
    /// lseek(2): the first position from `position` on with data (or with none), or `size`. Reporting the whole file as data is valid.
    virtual u64 next_run(u64 position, u64 size, Run run) { return run == Run::Data ? position : size; }
    /// O_APPEND: finds the end and writes there in one step; sets `position` to where that was.
    virtual Result<size_t> do_append(mm::IoBuffer& buffer, u64& position) { return do_write(position, buffer); }
    /// For a kind of file that moves the position by other means than read and write, under a lock of its own.
    u64 position() {
        Locked guard(position_lock_);
        return position_;
    }
    void set_position(u64 position) {
        Locked guard(position_lock_);
        position_ = position;
    }
    OpenerPrivilege privilege() const { return privilege_; }

private:
    void drop_locks();
    static constexpr u8 can_read = 1, can_write = 2;

    Ref<Dentry> dentry_;
    std::atomic<u32> flags_;
    u8 const rights_;
    OpenerPrivilege privilege_ = OpenerPrivilege::None;
    bool is_counted_writer_ = false;
    std::atomic<bool> is_watched_{false};
    std::atomic<u32> opening_{0};   ///< 0: never mapped
    sync::Mutex<LockRank::file_offset> position_lock_;
    u64 position_ GUARDED_BY(position_lock_) = 0;
};

/// A file opened with O_PATH.
Result<Ref<File>> open_path_only(Dentry& dentry, u32 flags);

}
