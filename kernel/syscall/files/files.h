// SPDX-License-Identifier: MIT
// The family of files: names and attributes, descriptors and what is read and written through them, waiting for them.
#pragma once

#include <linux/eventpoll.h>
#include <linux/poll.h>

#include "kernel/process/signal_info.h"
#include "kernel/syscall/call.h"
#include "mm/user/user_access.h"

namespace syscall {

// ---- read_write.cpp
CALL(size_t, read, Fd fd, UserAddr address, u64 size)
CALL(size_t, write, Fd fd, UserAddr address, u64 size)
CALL(size_t, pread64, Fd fd, UserAddr address, u64 size, i64 offset)
CALL(size_t, pwrite64, Fd fd, UserAddr address, u64 size, i64 offset)
CALL(size_t, readv, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count)
CALL(size_t, writev, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count)
CALL(u64, lseek, Fd fd, i64 offset, int whence)
CALL(size_t, sendfile, Fd out_fd, Fd in_fd, mm::UserPtr<u64> offset, u64 count)

// ---- pread_pwrite.cpp
CALL(size_t, preadv, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset)
CALL(size_t, pwritev, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset)
CALL(size_t, preadv2, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags)
CALL(size_t, pwritev2, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags)
CALL(size_t, copy_file_range, Fd in_fd, mm::UserPtr<u64> in_offset, Fd out_fd, mm::UserPtr<u64> out_offset, u64 count, u32 flags)

// ---- descriptors.cpp
CALL(Fd, openat, Fd directory, UserAddr path_address, u32 flags, u32 mode)
CALL(Fd, open, UserAddr path, u32 flags, u32 mode)
CALL(Fd, creat, UserAddr path, u32 mode)
CALL(void, close, Fd fd)
CALL(void, close_range, u32 first, u32 last, u32 flags)
CALL(Fd, dup, Fd fd)
CALL(Fd, dup2, Fd from, Fd to)
CALL(Fd, dup3, Fd from, Fd to, u32 flags)
CALL(void, pipe2, mm::UserPtr<i32> out, u32 flags)
CALL(void, pipe, mm::UserPtr<i32> out)
CALL(i64, fcntl, Fd fd, u32 command, u64 argument)
CALL(i64, ioctl, Fd fd, u32 command, u64 argument)

// ---- names.cpp
CALL(void, mkdirat, Fd directory, UserAddr path_address, u32 mode)
CALL(void, mkdir, UserAddr path, u32 mode)
CALL(void, mknodat, Fd directory, UserAddr path_address, u32 mode, u32 device)
CALL(void, mknod, UserAddr path, u32 mode, u32 device)
CALL(void, unlinkat, Fd directory, UserAddr path_address, u32 flags)
CALL(void, unlink, UserAddr path)
CALL(void, rmdir, UserAddr path)
CALL(void, renameat2, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags)
CALL(void, renameat, Fd from_directory, UserAddr from, Fd to_directory, UserAddr to)
CALL(void, rename, UserAddr from, UserAddr to)
CALL(void, linkat, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags)
CALL(void, link, UserAddr from, UserAddr to)
CALL(void, symlinkat, UserAddr target_address, Fd directory, UserAddr path_address)
CALL(void, symlink, UserAddr target, UserAddr path)
CALL(size_t, readlinkat, Fd directory, UserAddr path_address, UserAddr out, i32 size)
CALL(size_t, readlink, UserAddr path, UserAddr out, i32 size)
CALL(void, chdir, UserAddr path)
CALL(void, fchdir, Fd fd)
CALL(void, chroot, UserAddr path)
CALL(size_t, getcwd, UserAddr out, u64 size)
CALL(size_t, getdents64, Fd fd, UserAddr out, u32 size)

// ---- attributes.cpp
CALL(void, fstat, Fd fd, UserAddr out)
CALL(void, newfstatat, Fd directory, UserAddr path, UserAddr out, u32 flags)
CALL(void, stat, UserAddr path, UserAddr out)
CALL(void, lstat, UserAddr path, UserAddr out)
CALL(void, statx, Fd directory, UserAddr path, u32 flags, u32 mask, UserAddr out)
CALL(void, statfs, UserAddr path, UserAddr out)
CALL(void, fstatfs, Fd fd, UserAddr out)
CALL(void, faccessat2, Fd directory, UserAddr path_address, u32 mode, u32 flags)
CALL(void, faccessat, Fd directory, UserAddr path, u32 mode)
CALL(void, access, UserAddr path, u32 mode)
CALL(void, fchmodat, Fd directory, UserAddr path, u32 mode)
CALL(void, chmod, UserAddr path, u32 mode)
CALL(void, fchmod, Fd fd, u32 mode)
CALL(void, fchownat, Fd directory, UserAddr path, i32 uid, i32 gid, u32 flags)
CALL(void, chown, UserAddr path, i32 uid, i32 gid)
CALL(void, lchown, UserAddr path, i32 uid, i32 gid)
CALL(void, fchown, Fd fd, i32 uid, i32 gid)
CALL(void, utimensat, Fd directory, UserAddr path, UserAddr times, u32 flags)
CALL(void, truncate, UserAddr path_address, i64 size)
CALL(void, ftruncate, Fd fd, i64 size)
CALL(u32, umask, u32 mask)
CALL(void, fsync, Fd fd)
CALL(void, fdatasync, Fd fd)
CALL(void, sync)

// ---- mounts.cpp
CALL(void, mount, UserAddr source_address, UserAddr target_address, UserAddr type_address, u64 flags, UserAddr)
CALL(void, umount2, UserAddr target_address, u32 flags)

// ---- locks.cpp
CALL(void, flock, Fd fd, u32 operation)

// ---- polling.cpp
/// The sixth argument of pselect6(2).
struct UserMask { u64 address = 0, size = 0; };
CALL(u32, poll, mm::UserPtr<pollfd> fds, u32 count, i32 timeout_ms)
CALL(u32, ppoll, mm::UserPtr<pollfd> fds, u32 count, UserAddr timeout, mm::UserPtr<process::SignalMask> mask, u64 size)
CALL(u32, select, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout)
CALL(u32, pselect6, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout,
     mm::UserPtr<UserMask> mask_address)

// ---- epoll.cpp
CALL(Fd, epoll_create1, u32 flags)
CALL(Fd, epoll_create, i32 size)
CALL(void, epoll_ctl, Fd epoll_fd, i32 operation, Fd fd, mm::UserPtr<epoll_event> event_address)
CALL(u32, epoll_wait, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms)
CALL(u32, epoll_pwait, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms, mm::UserPtr<process::SignalMask> mask, u64 size)
CALL(u32, epoll_pwait2, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, UserAddr timeout, mm::UserPtr<process::SignalMask> mask,
     u64 size)

// ---- event_files.cpp
CALL(Fd, eventfd2, u32 initial, u32 flags)
CALL(Fd, eventfd, u32 initial)

// ---- timer_files.cpp
CALL(Fd, timerfd_create, i32 clock, u32 flags)
CALL(void, timerfd_settime, Fd fd, u32 flags, UserAddr in, UserAddr out)
CALL(void, timerfd_gettime, Fd fd, UserAddr out)
CALL(Fd, signalfd, Fd fd, mm::UserPtr<process::SignalMask> mask, u64 size)
CALL(Fd, signalfd4, Fd fd, mm::UserPtr<process::SignalMask> mask, u64 size, u32 flags)

// ---- memory_files.cpp
CALL(Fd, memfd_create, UserAddr name, u32 flags)

// ---- terminals.cpp
CALL(void, vhangup)

}
