// SPDX-License-Identifier: MIT
// Transfers at given positions: preadv(2) pwritev(2) preadv2(2) pwritev2(2) copy_file_range(2).
#include <algorithm>

#include <linux/fs.h>

#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/transfer.h"
#include "kernel/syscall/flags.h"

namespace syscall {
namespace {

/// Polling for completion is a hint, and what is in memory is as safe as it will be: files have no other place here.

}

Result<size_t> sys_preadv(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset) {
    auto const position = TRY(position_argument(offset));
    auto file = TRY(file_of(caller, fd));
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(vector, count)));
    if (buffer.remaining() == 0 && file->is_readable() && file->is_seekable()) return nothing(file->can_be_read());
    return restartable(file->read_at(position, buffer));
}

Result<size_t> sys_pwritev(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset) {
    auto const position = TRY(position_argument(offset));
    auto file = TRY(file_of(caller, fd));
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(vector, count)));
    if (buffer.remaining() == 0 && file->is_writable() && file->is_seekable()) return nothing(file->can_be_written());
    return after_write(caller, *file, file->write_at(position, buffer));
}

/// Offset -1: at the file's own position, which moves.
Result<size_t> sys_preadv2(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags) {
    if (auto const known = accepted::preadv2.check(flags); !known) {
        (void)TRY(usable_file(caller, fd));
        return fail(known.error());
    }
    return offset == -1 ? sys_readv(caller, fd, vector, count) : sys_preadv(caller, fd, vector, count, offset);
}

Result<size_t> sys_pwritev2(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags) {
    if (auto const known = accepted::pwritev2.check(flags); !known) {
        (void)TRY(usable_file(caller, fd));
        return fail(known.error());
    }
    if (!(flags & RWF_APPEND)) {
        return offset == -1 ? sys_writev(caller, fd, vector, count) : sys_pwritev(caller, fd, vector, count, offset);
    }
    if (offset < -1) return fail(EINVAL);
    auto file = TRY(file_of(caller, fd));
    Segments segments;
    auto buffer = mm::IoBuffer::user(TRY(segments.read(vector, count)));
    if (offset != -1 && !file->is_seekable()) return fail(ESPIPE);
    if (buffer.remaining() == 0 && file->is_writable()) return nothing(file->can_be_written());
    auto const wrote = after_write(caller, *file, file->write_at_end(buffer));
    if (wrote && offset == -1 && file->is_seekable()) (void)TRY(file->seek(0, SEEK_END));
    return wrote;
}

namespace {

/// Where a side of copy_file_range stands: at a position the program gives, or at the file's own.
struct CopySide {
    Ref<fs::File> file;
    mm::UserPtr<u64> given;
    u64 position = 0;

    Result<> start() {
        position = given.is_null() ? TRY(file->seek(0, SEEK_CUR)) : TRY(given.read());
        if (static_cast<i64>(position) < 0) return fail(EINVAL);
        return {};
    }
    Result<> finish(u64 moved) {
        if (!given.is_null()) return given.write(position + moved);
        (void)TRY(file->seek(static_cast<i64>(position + moved), SEEK_SET));
        return {};
    }
};

Result<> check_copied(fs::File& file) {
    auto const type = TRY(file.attributes()).type;
    if (type == fs::FileType::Directory) return fail(EISDIR);
    if (type != fs::FileType::Regular || !file.is_seekable()) return fail(EINVAL);
    return {};
}

Result<size_t> copy_range(Caller& caller, CopySide const& in, CopySide const& out, u64 count) {
    constexpr size_t piece = 16 * kib;
    auto staging = TRY(mm::Buffer::allocate(piece));
    u64 moved = 0;
    while (moved < count && !(moved && caller.thread.has_signal())) {
        auto to = mm::IoBuffer::kernel(static_cast<void*>(staging.data()), std::min<u64>(piece, count - moved));
        auto const got = in.file->read_at(in.position + moved, to);
        if (!got && moved == 0) return got;
        if (!got || *got == 0) break;
        auto from = mm::IoBuffer::kernel(static_cast<void const*>(staging.data()), *got);
        auto const put = out.file->write_at(out.position + moved, from);
        if (!put && moved == 0) return put;
        if (!put) break;
        moved += *put;
        if (*put < *got) break;
    }
    return moved;
}

}

Result<size_t> sys_copy_file_range(Caller& caller, Fd in_fd, mm::UserPtr<u64> in_offset, Fd out_fd, mm::UserPtr<u64> out_offset, u64 count, u32 flags) {
    CopySide in{TRY(usable_file(caller, in_fd)), in_offset}, out{TRY(usable_file(caller, out_fd)), out_offset};
    TRY(accepted::copy_file_range.check(flags));
    TRY(check_copied(*in.file));
    TRY(check_copied(*out.file));
    if (!in.file->is_readable() || !out.file->is_writable() || (out.file->flags() & O_APPEND)) return fail(EBADF);
    TRY(in.start());
    TRY(out.start());
    count = std::min(count, max_transfer);
    u64 in_end, out_end;
    if (__builtin_add_overflow(in.position, count, &in_end) || __builtin_add_overflow(out.position, count, &out_end)) return fail(EOVERFLOW);
    if (in.file->inode() == out.file->inode()) {
        u64 const size = TRY(in.file->attributes()).size;
        count = in.position >= size ? 0 : std::min(count, size - in.position);
        if (in.position < out.position + count && out.position < in.position + count) return fail(EINVAL);
    }
    auto const moved = TRY(restartable(copy_range(caller, in, out, count)));
    TRY(in.finish(moved));
    TRY(out.finish(moved));
    return moved;
}

}
