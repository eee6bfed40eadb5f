// SPDX-License-Identifier: MIT
// The ends of pipes and FIFOs as files. A pipe has an inode and a nameless dentry of its own, so that
// fstat(2) and /proc/PID/fd treat it like any file; its PipeBuffer is attached to the inode.
#include "kernel/ipc/pipe.h"

#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include <base/format.h>

#include "kernel/fs/vfs.h"
#include "kernel/ipc/pipe_buffer.h"

namespace ipc {

namespace {

constexpr u64 pipefs_magic = 0x50495045;   // statfs(2)

class PipeFileSystem final : public fs::FileSystem {
public:
    constexpr PipeFileSystem() = default;
    std::string_view type_name() const override { return "pipefs"; }
    Ref<fs::Inode> root() override { return nullptr; }
    u64 device() const override { return 0xd; }
    Statistics statistics() override { return {.type = pipefs_magic}; }
    u64 next_number() { return next_number_.fetch_add(1, std::memory_order_relaxed); }
private:
    std::atomic<u64> next_number_{1};
};

constinit PipeFileSystem pipe_file_system;

class PipeInode final : public fs::Inode {
public:
    PipeInode(fs::Ownership const& owner, Ref<PipeBuffer> buffer)
        : Inode(pipe_file_system, pipe_file_system.next_number(), owner), buffer_(std::move(buffer)) {}
    Ref<fs::InodeAttachment>* attachment() override { return &buffer_; }
    MM_OBJECT_CACHE(PipeInode)
private:
    Ref<fs::InodeAttachment> buffer_;
};

MM_OBJECT_CACHE_DEFINE(PipeInode)

PipeBuffer& buffer_of(fs::Inode& inode) { return static_cast<PipeBuffer&>(**inode.attachment()); }

class PipeFile final : public fs::File {
public:
    static inline char const kind_mark = 0;
    void const* kind() const override { return &kind_mark; }
    PipeBuffer& buffer() const { return buffer_; }
    /// Half of the pages for each end.
    u64 held_pages() const override { return (buffer_.held_pages() + 1) / (is_readable() && is_writable() ? 1 : 2); }
    /// The caller has already counted the ends that the file stands for.
    PipeFile(Ref<fs::Dentry> dentry, u32 flags)
        : File(std::move(dentry), flags), buffer_(buffer_of(*inode())), writers_at_open_(comes_first(flags) ? buffer_.writers_seen() : 0) {}
    ~PipeFile() override {
        if (is_readable()) buffer_.remove_reader();
        if (is_writable()) buffer_.remove_writer();
    }
    bool is_seekable() const override { return false; }
    Result<i64> ioctl(u32 command, u64 argument) override;
    Result<i64> control(u32 command, u64 argument) override;
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<> synchronise() override { return fail(EINVAL); }
    Result<> truncate(u64) override { return fail(EINVAL); }
    MM_OBJECT_CACHE(PipeFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override { return buffer_.read(buffer, blocking()); }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override {
        return buffer_.write(buffer, blocking(), flags() & O_DIRECT ? PipeMode::Packets : PipeMode::Stream);
    }
private:
    /// fifo(7): a reader that opens without waiting gets no POLLHUP before a writer has come and gone. All others have met one.
    bool comes_first(u32 flags) const { return (flags & O_NONBLOCK) && !buffer_.has_writers(); }
    Blocking blocking() const { return flags() & O_NONBLOCK ? Blocking::No : Blocking::Yes; }

    PipeBuffer& buffer_;               ///< the inode's, which the dentry keeps
    u32 const writers_at_open_;        ///< 0: there was a writer
};

MM_OBJECT_CACHE_DEFINE(PipeFile)

Result<i64> PipeFile::ioctl(u32 command, u64 argument) {
    if (command != FIONREAD) return fail(ENOTTY);
    TRY(mm::UserPtr<i32>(argument).write(static_cast<i32>(buffer_.byte_count())));
    return 0;
}

Result<i64> PipeFile::control(u32 command, u64) {
    if (command != F_GETPIPE_SZ) return fail(EINVAL);
    return static_cast<i64>(buffer_.capacity());
}

fs::PollEvents PipeFile::poll(sched::WaitQueue*& queue_out) {
    queue_out = &buffer_.pollers();
    fs::PollEvents events = 0;
    if (is_readable()) {
        if (buffer_.has_bytes()) events |= POLLIN | POLLRDNORM;
        if (!buffer_.has_writers() && buffer_.writers_seen() != writers_at_open_) events |= POLLHUP;
    }
    if (is_writable()) {
        if (buffer_.has_room()) events |= POLLOUT | POLLWRNORM;
        if (!buffer_.has_readers()) events |= POLLERR;
    }
    return events;
}

/// Counts the ends that `flags` ask for, and uncounts them unless keep() is called.
class CountedEnds {
public:
    CountedEnds(PipeBuffer& buffer, u32 flags)
        : buffer_(buffer), reads_((flags & O_ACCMODE) != O_WRONLY), writes_((flags & O_ACCMODE) != O_RDONLY) {
        if (reads_) buffer_.add_reader();
        if (writes_) buffer_.add_writer();
    }
    ~CountedEnds() {
        if (reads_) buffer_.remove_reader();
        if (writes_) buffer_.remove_writer();
    }
    CountedEnds(CountedEnds const&) = delete;
    void keep() { reads_ = writes_ = false; }
private:
    PipeBuffer& buffer_;
    bool reads_, writes_;
};

Result<Ref<fs::File>> make_end(fs::Dentry& dentry, PipeBuffer& buffer, u32 flags) {
    CountedEnds ends(buffer, flags);
    auto file = TRY(mm::make_ref<PipeFile>(Ref<fs::Dentry>::share(&dentry), flags));
    ends.keep();
    return file;
}

constinit sync::Mutex<LockRank::sleeping_leaf> attachment_lock;   // guards which FIFO has which buffer

Result<Ref<PipeBuffer>> buffer_of_fifo(fs::Inode& inode) {
    auto* const place = inode.attachment();
    if (!place) return fail(ENXIO);
    Locked guard(attachment_lock);
    if (!*place) *place = TRY(mm::make_ref<PipeBuffer>());
    return Ref<PipeBuffer>::share(static_cast<PipeBuffer*>(place->get()));
}

/// fifo(7): each side waits for the other. With O_NONBLOCK a reader does not wait, and a writer fails with ENXIO.
Result<Ref<fs::File>> open_fifo(fs::Dentry& dentry, fs::Credentials const& who, u32 flags) {
    auto const buffer = TRY(buffer_of_fifo(dentry.file()));
    // A pipe without a name, opened through /proc/PID/fd, does not wait: its writers may have come and gone.
    bool const has_name = &dentry.file().file_system() != &pipe_file_system;
    bool const wait = has_name && !(flags & O_NONBLOCK);
    u32 const mode = flags & O_ACCMODE;
    if (has_name && mode == O_WRONLY && !wait && !buffer->has_readers()) return fail(ENXIO);
    // Read before this end counts: a partner that waited for it may be gone by the next read.
    u32 const readers_before = buffer->readers_seen(), writers_before = buffer->writers_seen();
    bool const partner_waits = mode == O_RDONLY ? buffer->has_writers() : buffer->has_readers();
    CountedEnds ends(*buffer, flags);
    TRY(buffer->begin(who));
    auto file = TRY(mm::make_ref<PipeFile>(Ref<fs::Dentry>::share(&dentry), flags));
    ends.keep();
    if (!wait || mode == O_RDWR || partner_waits) return file;
    auto const met = [&] {
        return mode == O_RDONLY ? buffer->writers_seen() != writers_before : buffer->readers_seen() != readers_before;
    };
    if (!buffer->openers().wait(met)) return fail(restart_sys);
    return file;
}

}

Result<std::pair<Ref<fs::File>, Ref<fs::File>>> make_pipe(u32 flags, fs::Credentials const& who) {
    auto buffer = TRY(mm::make_ref<PipeBuffer>());
    TRY(buffer->begin(who));
    PipeBuffer& ring = *buffer;
    fs::Ownership const owner{fs::FileType::Fifo, 0600, who.fs_uid, who.fs_gid};
    auto const inode = TRY(mm::make_ref<PipeInode>(owner, std::move(buffer)));
    char text[32];
    base::BufferWriter name(text);
    base::format_to(name, "pipe:[{}]", inode->number());
    auto const dentry = TRY(fs::Dentry::create_root(inode, name.text()));
    auto reader = TRY(make_end(*dentry, ring, O_RDONLY | (flags & O_NONBLOCK)));
    auto writer = TRY(make_end(*dentry, ring, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT))));
    return std::pair(std::move(reader), std::move(writer));
}

Result<u64> set_pipe_size(fs::File& file, u64 bytes, fs::Credentials const& who) {
    if (file.kind() != &PipeFile::kind_mark) return fail(EBADF);
    return static_cast<PipeFile&>(file).buffer().resize(bytes, who.is_privileged());
}

namespace { constinit fs::FileSystemType type{"pipefs"}; }

void register_fifos() {
    fs::vfs.register_type(type);
    fs::fifo_open.provide(open_fifo);
}

}
