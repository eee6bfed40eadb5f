// SPDX-License-Identifier: MIT
// Descriptors: open(2) close(2) dup(2) fcntl(2) pipe(2) ioctl(2).
#include <asm/ioctls.h>

#include "kernel/ipc/pipe.h"
#include "kernel/process/thread_tables.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/locks.h"
#include "kernel/syscall/flags.h"
#include "kernel/tty/pty.h"

namespace syscall {
namespace {

/// fcntl(2) F_SETFL. EPERM EINVAL
Result<> set_status_flags(Caller& caller, fs::File& file, u32 flags) {
    auto const* const inode = file.inode();
    if (inode && (flags & O_NOATIME) && !(file.flags() & O_NOATIME)) TRY(fs::may_leave_times(*inode, caller.process.credentials));
    if ((flags & O_DIRECT) && !(inode && inode->type() == fs::FileType::Fifo)) return fail(EINVAL);
    file.set_status_flags(flags);
    return {};
}

}

Result<Fd> sys_openat(Caller& caller, Fd directory, UserAddr path_address, u32 flags, u32 mode) {
    UserPath buffer;
    auto const path = TRY(buffer.read(path_address));
    auto const place = TRY(Place::at(caller, directory, path));
    flags |= O_LARGEFILE;   // as Linux marks what a 64-bit program opens
    auto file = TRY(restartable(fs::vfs.open(place.walk(), path, flags, mode & 07777)));
    return caller.thread.descriptors->add(std::move(file), close_on_exec_of(flags), descriptor_limit(caller));
}

Result<Fd> sys_open(Caller& caller, UserAddr path, u32 flags, u32 mode) {
    return sys_openat(caller, Fd(AT_FDCWD), path, flags, mode);
}

Result<Fd> sys_creat(Caller& caller, UserAddr path, u32 mode) {
    return sys_openat(caller, Fd(AT_FDCWD), path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

Result<> sys_close(Caller& caller, Fd fd) { return caller.thread.descriptors->close(fd); }

Result<> sys_close_range(Caller& caller, u32 first, u32 last, u32 flags) {
    constexpr u32 unshare = 2, close_on_exec = 4;      // linux/close_range.h
    TRY(accepted::close_range.check(flags));
    if (first > last) return fail(EINVAL);
    if (flags & unshare) TRY(process::unshare_descriptors(caller.thread));
    if (flags & close_on_exec) return caller.thread.descriptors->set_close_on_exec_range(first, last);
    return caller.thread.descriptors->close_range(first, last);
}

Result<Fd> sys_dup(Caller& caller, Fd fd) {
    return caller.thread.descriptors->add(TRY(file_of(caller, fd)), fs::CloseOnExec::No, descriptor_limit(caller));
}

Result<Fd> sys_dup2(Caller& caller, Fd from, Fd to) {
    auto file = TRY(file_of(caller, from));
    if (from == to) return to;
    TRY(caller.thread.descriptors->replace(to, std::move(file), fs::CloseOnExec::No, descriptor_limit(caller)));
    return to;
}

Result<Fd> sys_dup3(Caller& caller, Fd from, Fd to, u32 flags) {
    TRY(accepted::dup3.check(flags));
    if (from == to) return fail(EINVAL);
    auto file = TRY(file_of(caller, from));
    TRY(caller.thread.descriptors->replace(to, std::move(file), close_on_exec_of(flags), descriptor_limit(caller)));
    return to;
}

Result<> sys_pipe2(Caller& caller, mm::UserPtr<i32> out, u32 flags) {
    TRY(accepted::pipe2.check(flags));
    return add_pair(caller, TRY(ipc::make_pipe(flags & (O_NONBLOCK | O_DIRECT), caller.process.credentials)), flags, out);
}

Result<> sys_pipe(Caller& caller, mm::UserPtr<i32> out) { return sys_pipe2(caller, out, 0); }

Result<i64> sys_fcntl(Caller& caller, Fd fd, u32 command, u64 argument) {
    auto& table = *caller.thread.descriptors;
    auto file = TRY(file_of(caller, fd));
    TRY(accepted::fcntl.check(command));
    switch (command) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC: {
        auto const on_exec = command == F_DUPFD ? fs::CloseOnExec::No : fs::CloseOnExec::Yes;
        u32 const limit = descriptor_limit(caller);
        if (argument >= limit) return fail(EINVAL);
        return TRY(table.add(std::move(file), on_exec, limit, Fd(static_cast<i32>(argument)))).value;
    }
    case F_GETFD: return TRY(table.close_on_exec_flag(fd)) == fs::CloseOnExec::Yes ? FD_CLOEXEC : 0;
    case F_SETFD:
        TRY(table.set_close_on_exec(fd, argument & FD_CLOEXEC ? fs::CloseOnExec::Yes : fs::CloseOnExec::No));
        return 0;
    case F_GETFL: return file->flags() & ~static_cast<u32>(O_CLOEXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC);
    case F_SETFL:
        if (file->is_path_only()) return fail(EBADF);
        TRY(set_status_flags(caller, *file, static_cast<u32>(argument)));
        return 0;
    case F_GETPIPE_SZ: return file->control(command, argument);
    case F_SETPIPE_SZ: return static_cast<i64>(TRY(ipc::set_pipe_size(*file, argument, caller.process.credentials)));
    case F_ADD_SEALS:
    case F_GET_SEALS: {
        if (file->is_path_only()) return fail(EBADF);
        if (command == F_ADD_SEALS && !file->is_writable()) return fail(EPERM);
        auto const done = file->control(command, argument);
        return !done && done.error() == Errno(EBADF) ? fail(EINVAL) : done;
    }
    default:
        if (is_lock_command(command)) {
            TRY(control_lock(caller, fd, *file, command, UserAddr(argument)));
            return 0;
        }
        return fail(file->is_path_only() ? EBADF : EINVAL);
    }
}

Result<i64> sys_ioctl(Caller& caller, Fd fd, u32 command, u64 argument) {
    auto file = TRY(usable_file(caller, fd));
    switch (command) {
    case FIOCLEX:
        TRY(caller.thread.descriptors->set_close_on_exec(fd, fs::CloseOnExec::Yes));
        return 0;
    case FIONCLEX:
        TRY(caller.thread.descriptors->set_close_on_exec(fd, fs::CloseOnExec::No));
        return 0;
    case FIONBIO: {
        bool const on = TRY(mm::UserPtr<i32>(argument).read()) != 0;
        file->set_status_flags(on ? file->flags() | O_NONBLOCK : file->flags() & ~static_cast<u32>(O_NONBLOCK));
        return 0;
    }
    case TIOCGPTPEER: {
        u32 const flags = static_cast<u32>(argument);
        auto peer = TRY(tty::open_pty_peer(*file, flags, caller.process.credentials));
        return TRY(caller.thread.descriptors->add(std::move(peer), close_on_exec_of(flags), descriptor_limit(caller))).value;
    }
    default: return restartable(file->ioctl(command, argument));
    }
}

}
