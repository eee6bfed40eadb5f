// SPDX-License-Identifier: MIT
// read, write and related calls: read(2) pread(2) readv(2) sendfile(2) lseek(2).
#include <algorithm>

#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/transfer.h"

namespace syscall {
Result<size_t> sys_read(Caller& caller, Fd fd, UserAddr address, u64 size) {
    auto file = TRY(file_of(caller, fd));
    if (!file->is_readable()) return fail(EBADF);
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    return restartable(file->read(buffer));
}

Result<size_t> sys_write(Caller& caller, Fd fd, UserAddr address, u64 size) {
    auto file = TRY(file_of(caller, fd));
    if (!file->is_writable()) return fail(EBADF);
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    return after_write(caller, *file, file->write(buffer));
}

Result<size_t> sys_pread64(Caller& caller, Fd fd, UserAddr address, u64 size, i64 offset) {
    auto const position = TRY(position_argument(offset));
    auto file = TRY(file_of(caller, fd));
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    return restartable(file->read_at(position, buffer));
}

Result<size_t> sys_pwrite64(Caller& caller, Fd fd, UserAddr address, u64 size, i64 offset) {
    auto const position = TRY(position_argument(offset));
    auto file = TRY(file_of(caller, fd));
    auto buffer = mm::IoBuffer::user(address, TRY(checked_size(address.value(), size)));
    return after_write(caller, *file, file->write_at(position, buffer));
}

Result<size_t> sys_readv(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count) {
    auto file = TRY(file_of(caller, fd));
    if (!file->is_readable()) return fail(EBADF);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(vector, count)));
    if (buffer.remaining() == 0) return nothing(file->can_be_read());   // unlike read(2) of none, the file is not asked
    return restartable(file->read(buffer));
}

Result<size_t> sys_writev(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count) {
    auto file = TRY(file_of(caller, fd));
    if (!file->is_writable()) return fail(EBADF);
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(vector, count)));
    if (buffer.remaining() == 0) return nothing(file->can_be_written());
    return after_write(caller, *file, file->write(buffer));
}

Result<u64> sys_lseek(Caller& caller, Fd fd, i64 offset, int whence) {
    return TRY(usable_file(caller, fd))->seek(offset, whence);
}

namespace {

Result<size_t> write_whole(fs::File& out, std::byte const* data, size_t size) {
    size_t done = 0;
    while (done < size) {
        auto buffer = mm::IoBuffer::kernel(static_cast<void const*>(data + done), size - done);
        auto const wrote = out.write(buffer);
        if (!wrote) {
            if (done) return done;
            return wrote;
        }
        if (*wrote == 0) break;
        done += *wrote;
    }
    return done;
}

/// Copies up to `count` bytes from `in` at `position` to `out`; counts what reached `out`.
Result<size_t> copy_through(fs::File& in, u64 position, fs::File& out, u64 count, Caller& caller) {
    constexpr size_t piece = 16 * kib;
    auto staging = TRY(mm::Buffer::allocate(piece));
    u64 moved = 0;
    while (moved < count) {
        size_t const want = std::min<u64>(piece, count - moved);
        auto buffer = mm::IoBuffer::kernel(static_cast<void*>(staging.data()), want);
        auto const got = in.read_at(position + moved, buffer);
        if (!got && moved == 0) return got;
        if (!got || *got == 0) break;
        auto const put = write_whole(out, staging.data(), *got);
        if (!put && moved == 0) return after_write(caller, out, put);
        if (!put) break;
        moved += *put;
        if (*put < *got || caller.thread.has_signal()) break;
    }
    return moved;
}

}

Result<size_t> sys_sendfile(Caller& caller, Fd out_fd, Fd in_fd, mm::UserPtr<u64> offset, u64 count) {
    auto in = TRY(file_of(caller, in_fd));
    auto out = TRY(file_of(caller, out_fd));
    if (!in->is_readable() || !out->is_writable()) return fail(EBADF);
    if (!in->is_seekable()) return fail(offset.is_null() ? EINVAL : ESPIPE);
    if (in->inode() && in->inode()->is_directory()) return fail(EINVAL);
    if ((out->flags() & O_APPEND) || static_cast<i64>(count) < 0) return fail(EINVAL);
    u64 const position = offset.is_null() ? TRY(in->seek(0, 1)) : TRY(offset.read());
    if (static_cast<i64>(position) < 0) return fail(EINVAL);
    auto const moved = TRY(copy_through(*in, position, *out, std::min(count, max_transfer), caller));
    if (!offset.is_null()) TRY(offset.write(position + moved));
    else (void)TRY(in->seek(static_cast<i64>(position + moved), 0));
    return moved;
}

}
