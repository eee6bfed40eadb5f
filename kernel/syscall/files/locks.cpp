// SPDX-License-Identifier: MIT
// flock(2), and the locks of fcntl(2).
#include "kernel/fs/file_locks.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/locks.h"
#include "kernel/syscall/flags.h"

namespace syscall {
namespace {

using fs::LockKind;
using fs::LockRange;
using fs::LockType;

Result<LockType> type_of(i16 value) {
    switch (value) {
    case F_RDLCK: return LockType::Shared;
    case F_WRLCK: return LockType::Exclusive;
    case F_UNLCK: return LockType::None;
    default: return fail(EINVAL);
    }
}

i16 value_of(LockType type) { return type == LockType::Shared ? F_RDLCK : type == LockType::Exclusive ? F_WRLCK : F_UNLCK; }

/// l_whence, l_start and l_len as bytes; a negative length is what lies before the start. EINVAL EOVERFLOW.
Result<> set_bytes(LockRange& range, flock const& user, fs::File& file) {
    i64 base = 0, start, last;
    if (user.l_whence == SEEK_CUR) base = file.is_seekable() ? static_cast<i64>(TRY(file.seek(0, SEEK_CUR))) : 0;
    else if (user.l_whence == SEEK_END) base = static_cast<i64>(TRY(file.attributes()).size);
    else if (user.l_whence != SEEK_SET) return fail(EINVAL);
    if (__builtin_add_overflow(base, user.l_start, &start)) return fail(EOVERFLOW);
    if (start < 0) return fail(EINVAL);
    if (user.l_len < 0) {
        last = start - 1;
        start += user.l_len;
        if (start < 0) return fail(EINVAL);
    } else if (user.l_len == 0) {
        last = static_cast<i64>(LockRange::end_of_file);
    } else if (__builtin_add_overflow(start, user.l_len - 1, &last)) {
        return fail(EOVERFLOW);
    }
    range.first = static_cast<u64>(start);
    range.last = static_cast<u64>(last);
    return {};
}

Result<LockRange> range_of(Caller& caller, fs::File& file, flock const& user, LockKind kind) {
    LockRange range;
    range.kind = kind;
    range.type = TRY(type_of(user.l_type));
    range.owner = kind == LockKind::Process ? static_cast<void const*>(caller.thread.descriptors.get()) : &file;
    range.pid = kind == LockKind::Process ? caller.process.pid() : Pid(-1);
    TRY(set_bytes(range, user, file));
    if (kind == LockKind::Description && user.l_pid != 0) return fail(EINVAL);
    return range;
}

Result<> report_conflict(fs::File& file, LockRange const& wanted, flock user, mm::UserPtr<flock> out) {
    if (wanted.type == LockType::None) return fail(EINVAL);
    auto const found = TRY(file.inode()->locks())->find_conflict(wanted);
    user.l_type = value_of(found.type);
    if (found.type != LockType::None) {
        user.l_whence = SEEK_SET;
        user.l_start = static_cast<i64>(found.first);
        user.l_len = found.last == LockRange::end_of_file ? 0 : static_cast<i64>(found.last - found.first + 1);
        user.l_pid = static_cast<i32>(found.pid.value);
    }
    return out.write(user);
}

Result<> set_lock(Caller& caller, Fd fd, fs::File& file, LockRange wanted, bool wait) {
    if (wanted.type == LockType::Shared && !file.is_readable()) return fail(EBADF);
    if (wanted.type == LockType::Exclusive && !file.is_writable()) return fail(EBADF);
    auto* const locks = TRY(file.inode()->locks());
    TRY(restartable(locks->set(wanted, wait, caller.process.copy_user())));
    if (wanted.kind != LockKind::Process || wanted.type == LockType::None) return {};
    // In between another thread may have closed the descriptor, and looked for locks to drop before this one existed.
    auto const now = file_of(caller, fd);
    if (now && now->get() == &file) return {};
    wanted.type = LockType::None;
    (void)locks->set(wanted, false, caller.process.copy_user());
    return fail(EBADF);
}

}

bool is_lock_command(u32 command) {
    return command == F_GETLK || command == F_SETLK || command == F_SETLKW || command == F_OFD_GETLK || command == F_OFD_SETLK ||
           command == F_OFD_SETLKW;
}

Result<> control_lock(Caller& caller, Fd fd, fs::File& file, u32 command, UserAddr argument) {
    if (file.is_path_only() || !file.inode()) return fail(EBADF);
    mm::UserPtr<flock> const place(argument);
    auto const user = TRY(place.read());
    bool const of_process = command == F_GETLK || command == F_SETLK || command == F_SETLKW;
    auto const wanted = TRY(range_of(caller, file, user, of_process ? LockKind::Process : LockKind::Description));
    if (command == F_GETLK || command == F_OFD_GETLK) return report_conflict(file, wanted, user, place);
    return set_lock(caller, fd, file, wanted, command == F_SETLKW || command == F_OFD_SETLKW);
}

Result<> sys_flock(Caller& caller, Fd fd, u32 operation) {
    TRY(accepted::flock.check(operation & ~static_cast<u32>(LOCK_NB)));
    LockRange wanted;
    switch (operation & ~static_cast<u32>(LOCK_NB)) {
    case LOCK_SH: wanted.type = LockType::Shared; break;
    case LOCK_EX: wanted.type = LockType::Exclusive; break;
    case LOCK_UN: wanted.type = LockType::None; break;
    default: return fail(EINVAL);
    }
    auto file = TRY(usable_file(caller, fd));
    if (!file->inode() || (wanted.type != LockType::None && !file->is_readable() && !file->is_writable())) return fail(EBADF);
    wanted.owner = file.get();
    wanted.pid = caller.process.pid();
    return restartable(TRY(file->inode()->locks())->set(wanted, !(operation & LOCK_NB), caller.process.copy_user()));
}

}
