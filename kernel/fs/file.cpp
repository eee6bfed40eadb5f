// SPDX-License-Identifier: MIT
// What all open files share: access rights, the position, and the default of every operation.
// The position never passes largest_position, and moves only under position_lock_.
#include "kernel/fs/file.h"

#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/poll.h>

#include "kernel/fs/file_locks.h"
#include "kernel/fs/vfs.h"

namespace fs {

namespace {

constexpr u32 settable_flags = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME;
constexpr u64 largest_position = ~u64{0} >> 1;

constexpr u8 rights_of(u32 flags) {
    if (flags & O_PATH) return 0;
    switch (flags & O_ACCMODE) {
    case O_RDONLY: return 1;
    case O_WRONLY: return 2;
    case O_RDWR: return 3;
    default: return 0;
    }
}

/// A file opened with O_PATH: every operation except those on the name fails with EBADF.
class PathOnlyFile final : public File {
public:
    using File::File;
    Result<u64> seek(i64, int) override { return fail(EBADF); }
    Result<i64> ioctl(u32, u64) override { return fail(EBADF); }
    Result<> truncate(u64) override { return fail(EBADF); }
    Result<> synchronise() override { return fail(EBADF); }
    Result<Ref<mm::VmObject>> vm_object() override { return fail(EBADF); }
    PollEvents poll(sched::WaitQueue*& queue_out) override {
        queue_out = nullptr;
        return POLLNVAL;
    }
};

}

Result<Ref<File>> open_path_only(Dentry& dentry, u32 flags) {
    return TRY(mm::make_ref<PathOnlyFile>(Ref<Dentry>::share(&dentry), flags));
}

File::File(Ref<Dentry> dentry, u32 flags)
    : dentry_(std::move(dentry)), flags_(flags & ~u32{O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC}), rights_(rights_of(flags)) {}

constinit base::FromAbove<void(File&)> File::watched_file_goes;

bool File::is_path_only() const { return (flags() & O_PATH) != 0; }

void File::set_status_flags(u32 flags) {
    u32 old = flags_.load(std::memory_order_relaxed);
    while (!flags_.compare_exchange_weak(old, (old & ~settable_flags) | (flags & settable_flags), std::memory_order_relaxed)) {
    }
}

void File::flush(void const* owner) {
    if (auto* const locks = inode() ? inode()->locks_if_any() : nullptr) locks->drop(LockKind::Process, owner);
}

void File::drop_locks() {
    inode()->locks_if_any()->drop(LockKind::Flock, this);
    inode()->locks_if_any()->drop(LockKind::Description, this);
}

namespace {

/// A file's bytes end at largest_position. A transfer that would go beyond is EINVAL, as on Linux.
bool passes_the_end(u64 position, mm::IoBuffer const& buffer) { return position + buffer.remaining() > largest_position; }

}

Result<size_t> File::read(mm::IoBuffer& buffer) {
    if (!is_readable()) [[unlikely]] return fail(EBADF);
    if (!keeps_position()) return do_read(0, buffer);
    Locked guard(position_lock_);
    if (passes_the_end(position_, buffer)) [[unlikely]] return fail(EINVAL);
    auto const count = do_read(position_, buffer);
    if (count) position_ += *count;
    return count;
}

Result<size_t> File::write(mm::IoBuffer& buffer) {
    if (!is_writable()) [[unlikely]] return fail(EBADF);
    if (!keeps_position()) return do_write(0, buffer);
    Locked guard(position_lock_);
    if (passes_the_end(position_, buffer)) [[unlikely]] return fail(EINVAL);
    auto const count = flags() & O_APPEND ? do_append(buffer, position_) : do_write(position_, buffer);
    if (count) position_ += *count;
    return count;
}

Result<size_t> File::read_at(u64 position, mm::IoBuffer& buffer) {
    if (position > largest_position) return fail(EINVAL);
    if (is_path_only()) return fail(EBADF);
    if (!is_seekable()) return fail(ESPIPE);
    if (!is_readable()) return fail(EBADF);
    if (passes_the_end(position, buffer)) return fail(EINVAL);
    return do_read(position, buffer);
}

/// With O_APPEND, Linux appends here, too: pwrite(2), BUGS.
Result<size_t> File::write_at(u64 position, mm::IoBuffer& buffer) {
    if (position > largest_position) return fail(EINVAL);
    if (is_path_only()) return fail(EBADF);
    if (!is_seekable()) return fail(ESPIPE);
    if (!is_writable()) return fail(EBADF);
    if (passes_the_end(position, buffer)) return fail(EINVAL);
    return flags() & O_APPEND ? do_append(buffer, position) : do_write(position, buffer);
}

Result<size_t> File::write_at_end(mm::IoBuffer& buffer) {
    if (!is_writable()) return fail(EBADF);
    u64 place = 0;
    return is_seekable() ? do_append(buffer, place) : do_write(0, buffer);
}

Result<u64> File::seek(i64 offset, int whence) {
    if (!is_seekable()) return fail(ESPIPE);
    Locked guard(position_lock_);
    i64 base = 0;
    switch (whence) {
    case SEEK_SET: break;
    case SEEK_CUR: base = static_cast<i64>(position_); break;
    case SEEK_END: base = static_cast<i64>(TRY(attributes()).size); break;
    case SEEK_DATA:
    case SEEK_HOLE: {
        i64 const size = static_cast<i64>(TRY(attributes()).size);
        if (offset < 0 || offset >= size) return fail(ENXIO);
        offset = static_cast<i64>(next_run(static_cast<u64>(offset), static_cast<u64>(size), whence == SEEK_DATA ? Run::Data : Run::Hole));
        if (offset == size && whence == SEEK_DATA) return fail(ENXIO);
        break;
    }
    default: return fail(EINVAL);
    }
    i64 target;
    if (__builtin_add_overflow(base, offset, &target)) return fail(EOVERFLOW);
    if (target < 0) return fail(EINVAL);
    return position_ = static_cast<u64>(target);
}

PollEvents File::poll(sched::WaitQueue*& queue_out) {
    queue_out = nullptr;
    return POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;
}

Result<Attributes> File::attributes() {
    if (!dentry_) return fail(EBADF);
    return inode()->attributes();
}

Result<> File::truncate(u64 size) {
    if (!is_writable() || !dentry_) return fail(EINVAL);
    return inode()->truncate(size);
}

u32 File::opening() {
    u32 known = opening_.load(std::memory_order_relaxed);
    if (known != 0) return known;
    static constinit std::atomic<u32> last{0};
    u32 const number = last.fetch_add(1, std::memory_order_relaxed) + 1;
    return opening_.compare_exchange_strong(known, number, std::memory_order_relaxed) ? number : known;
}

Result<Ref<mm::VmObject>> File::vm_object() {
    if (!dentry_) return fail(ENODEV);
    auto object = inode()->vm_object();
    if (!object) return fail(ENODEV);
    return object;
}

}
