// SPDX-License-Identifier: MIT
// Every system call's handler, by the file that defines it. table.cpp gives them their numbers.
#pragma once

#include "kernel/process/signal_info.h"
#include "kernel/syscall/caller.h"

#include <linux/eventpoll.h>
#include <linux/poll.h>

namespace syscall {

using process::SignalAction;
using process::SignalMask;

/// stack_t of sigaltstack(2).
struct UserStack {
    u64 address;
    i32 flags;
    i32 padding = 0;
    u64 size;
};

// ---- transfer.cpp
Result<size_t> sys_read(Caller& caller, Fd fd, UserAddr address, u64 size);
Result<size_t> sys_write(Caller& caller, Fd fd, UserAddr address, u64 size);
Result<size_t> sys_pread64(Caller& caller, Fd fd, UserAddr address, u64 size, i64 offset);
Result<size_t> sys_pwrite64(Caller& caller, Fd fd, UserAddr address, u64 size, i64 offset);
Result<size_t> sys_readv(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count);
Result<size_t> sys_writev(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count);
Result<u64> sys_lseek(Caller& caller, Fd fd, i64 offset, int whence);
Result<size_t> sys_preadv(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset);
Result<size_t> sys_pwritev(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset);
Result<size_t> sys_preadv2(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags);
Result<size_t> sys_pwritev2(Caller& caller, Fd fd, mm::UserPtr<mm::Segment> vector, u64 count, i64 offset, u64, u32 flags);
Result<size_t> sys_copy_file_range(Caller& caller, Fd in_fd, mm::UserPtr<u64> in_offset, Fd out_fd, mm::UserPtr<u64> out_offset, u64 count, u32 flags);
Result<size_t> sys_sendfile(Caller& caller, Fd out_fd, Fd in_fd, mm::UserPtr<u64> offset, u64 count);

// ---- descriptors.cpp
Result<Fd> sys_openat(Caller& caller, Fd directory, UserAddr path_address, u32 flags, u32 mode);
Result<Fd> sys_open(Caller& caller, UserAddr path, u32 flags, u32 mode);
Result<Fd> sys_creat(Caller& caller, UserAddr path, u32 mode);
Result<> sys_close(Caller& caller, Fd fd);
Result<> sys_close_range(Caller& caller, u32 first, u32 last, u32 flags);
Result<Fd> sys_dup(Caller& caller, Fd fd);
Result<Fd> sys_dup2(Caller& caller, Fd from, Fd to);
Result<Fd> sys_dup3(Caller& caller, Fd from, Fd to, u32 flags);
Result<> sys_pipe2(Caller& caller, mm::UserPtr<i32> out, u32 flags);
Result<> sys_pipe(Caller& caller, mm::UserPtr<i32> out);
Result<i64> sys_fcntl(Caller& caller, Fd fd, u32 command, u64 argument);
Result<i64> sys_ioctl(Caller& caller, Fd fd, u32 command, u64 argument);
Result<> sys_vhangup(Caller& caller);

// ---- names.cpp
Result<> sys_mkdirat(Caller& caller, Fd directory, UserAddr path_address, u32 mode);
Result<> sys_mkdir(Caller& caller, UserAddr path, u32 mode);
Result<> sys_mknodat(Caller& caller, Fd directory, UserAddr path_address, u32 mode, u32 device);
Result<> sys_mknod(Caller& caller, UserAddr path, u32 mode, u32 device);
Result<> sys_unlinkat(Caller& caller, Fd directory, UserAddr path_address, u32 flags);
Result<> sys_unlink(Caller& caller, UserAddr path);
Result<> sys_rmdir(Caller& caller, UserAddr path);
Result<> sys_renameat2(Caller& caller, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags);
Result<> sys_renameat(Caller& caller, Fd from_directory, UserAddr from, Fd to_directory, UserAddr to);
Result<> sys_rename(Caller& caller, UserAddr from, UserAddr to);
Result<> sys_linkat(Caller& caller, Fd from_directory, UserAddr from_address, Fd to_directory, UserAddr to_address, u32 flags);
Result<> sys_link(Caller& caller, UserAddr from, UserAddr to);
Result<> sys_symlinkat(Caller& caller, UserAddr target_address, Fd directory, UserAddr path_address);
Result<> sys_symlink(Caller& caller, UserAddr target, UserAddr path);
Result<size_t> sys_readlinkat(Caller& caller, Fd directory, UserAddr path_address, UserAddr out, i32 size);
Result<size_t> sys_readlink(Caller& caller, UserAddr path, UserAddr out, i32 size);
Result<> sys_chdir(Caller& caller, UserAddr path);
Result<> sys_fchdir(Caller& caller, Fd fd);
Result<> sys_chroot(Caller& caller, UserAddr path);
Result<size_t> sys_getcwd(Caller& caller, UserAddr out, u64 size);
Result<size_t> sys_getdents64(Caller& caller, Fd fd, UserAddr out, u32 size);

// ---- attributes.cpp
Result<> sys_fstat(Caller& caller, Fd fd, UserAddr out);
Result<> sys_newfstatat(Caller& caller, Fd directory, UserAddr path, UserAddr out, u32 flags);
Result<> sys_stat(Caller& caller, UserAddr path, UserAddr out);
Result<> sys_lstat(Caller& caller, UserAddr path, UserAddr out);
Result<> sys_statx(Caller& caller, Fd directory, UserAddr path, u32 flags, u32 mask, UserAddr out);
Result<> sys_statfs(Caller& caller, UserAddr path, UserAddr out);
Result<> sys_fstatfs(Caller& caller, Fd fd, UserAddr out);
Result<> sys_faccessat2(Caller& caller, Fd directory, UserAddr path_address, u32 mode, u32 flags);
Result<> sys_faccessat(Caller& caller, Fd directory, UserAddr path, u32 mode);
Result<> sys_access(Caller& caller, UserAddr path, u32 mode);
Result<> sys_fchmodat(Caller& caller, Fd directory, UserAddr path, u32 mode);
Result<> sys_chmod(Caller& caller, UserAddr path, u32 mode);
Result<> sys_fchmod(Caller& caller, Fd fd, u32 mode);
Result<> sys_fchownat(Caller& caller, Fd directory, UserAddr path, i32 uid, i32 gid, u32 flags);
Result<> sys_chown(Caller& caller, UserAddr path, i32 uid, i32 gid);
Result<> sys_lchown(Caller& caller, UserAddr path, i32 uid, i32 gid);
Result<> sys_fchown(Caller& caller, Fd fd, i32 uid, i32 gid);
Result<> sys_utimensat(Caller& caller, Fd directory, UserAddr path, UserAddr times, u32 flags);
Result<> sys_truncate(Caller& caller, UserAddr path_address, i64 size);
Result<> sys_ftruncate(Caller& caller, Fd fd, i64 size);
Result<u32> sys_umask(Caller& caller, u32 mask);
Result<> sys_fsync(Caller& caller, Fd fd);
Result<> sys_fdatasync(Caller& caller, Fd fd);
Result<> sys_sync(Caller&);
Result<> sys_mount(Caller& caller, UserAddr source_address, UserAddr target_address, UserAddr type_address, u64 flags, UserAddr);
Result<> sys_umount2(Caller& caller, UserAddr target_address, u32 flags);

// ---- memory.cpp
Result<UserAddr> sys_mmap(Caller& caller, u64 address, u64 size, u64 protection, u64 flags, Fd fd, u64 offset);
Result<> sys_munmap(Caller& caller, u64 address, u64 size);
Result<> sys_mprotect(Caller& caller, u64 address, u64 size, u64 protection);
Result<UserAddr> sys_mremap(Caller& caller, u64 address, u64 old_size, u64 new_size, u64 flags, u64 new_address);
Result<> sys_madvise(Caller& caller, u64 address, u64 size, int advice);
Result<> sys_msync(Caller& caller, u64 address, u64 size, u32 flags);
Result<UserAddr> sys_brk(Caller& caller, UserAddr wanted);

// ---- processes.cpp
Result<Pid> sys_fork(Caller& caller);
Result<Pid> sys_vfork(Caller& caller);
Result<Pid> sys_clone(Caller& caller, u64 flags, u64 stack, u64 parent_tid, u64 child_tid, u64 tls);
Result<Pid> sys_clone3(Caller& caller, UserAddr arguments, u64 size);
Result<> sys_unshare(Caller& caller, u32 flags);
Result<u64> sys_execve(Caller& caller, UserAddr path_address, u64 argv, u64 envp);
Result<> sys_exit(Caller&, u32 status);
Result<> sys_exit_group(Caller&, u32 status);
Result<Pid> sys_wait4(Caller&, i32 pid, mm::UserPtr<i32> status, u32 options, UserAddr usage);
Result<> sys_waitid(Caller&, u32 which, i32 id, UserAddr out, u32 options, UserAddr usage);
Result<> sys_getrusage(Caller& caller, i32 who, UserAddr out);
Result<Pid> sys_getpid(Caller& caller);
Result<Pid> sys_gettid(Caller& caller);
Result<Pid> sys_getppid(Caller& caller);
Result<> sys_setpgid(Caller&, Pid pid, Pid group);
Result<Pid> sys_getpgid(Caller&, Pid pid);
Result<Pid> sys_getpgrp(Caller&);
Result<Pid> sys_setsid(Caller&);
Result<Pid> sys_getsid(Caller&, Pid pid);
Result<Pid> sys_set_tid_address(Caller& caller, UserAddr address);
Result<> sys_arch_prctl(Caller& caller, u32 code, u64 address);
Result<i64> sys_prctl(Caller& caller, u32 option, u64 argument, u64 third, u64 fourth, u64 fifth);
Result<u64> sys_personality(Caller& caller, u32 persona);
Result<> sys_prlimit64(Caller& caller, Pid pid, u32 resource, UserAddr new_limit, UserAddr old_limit);
Result<> sys_getrlimit(Caller& caller, u32 resource, UserAddr out);
Result<> sys_setrlimit(Caller& caller, u32 resource, UserAddr in);
Result<> sys_sched_yield(Caller&);
Result<> sys_sched_setaffinity(Caller& caller, Pid tid, u32 size, UserAddr mask);
Result<size_t> sys_sched_getaffinity(Caller& caller, Pid tid, u32 size, UserAddr out);

// ---- scheduling.cpp
Result<i32> sys_getpriority(Caller&, i32 which, i32 id);
Result<> sys_setpriority(Caller&, i32 which, i32 id, i32 nice);
Result<> sys_sched_setscheduler(Caller&, Pid tid, i32 policy, mm::UserPtr<i32> priority);
Result<> sys_sched_setparam(Caller&, Pid tid, mm::UserPtr<i32> priority);
Result<i32> sys_sched_getscheduler(Caller&, Pid tid);
Result<> sys_sched_getparam(Caller&, Pid tid, mm::UserPtr<i32> priority);
Result<i32> sys_sched_get_priority_max(Caller&, i32 policy);
Result<i32> sys_sched_get_priority_min(Caller&, i32 policy);
Result<> sys_sched_rr_get_interval(Caller&, Pid tid, UserAddr out);
Result<> sys_sched_setattr(Caller&, Pid tid, UserAddr from, u32 flags);
Result<> sys_sched_getattr(Caller&, Pid tid, UserAddr out, u32 size, u32 flags);

// ---- signals.cpp
Result<> sys_rt_sigaction(Caller& caller, i32 signal, mm::UserPtr<SignalAction> in, mm::UserPtr<SignalAction> out, u64 size);
Result<> sys_rt_sigprocmask(Caller& caller, i32 how, mm::UserPtr<SignalMask> in, mm::UserPtr<SignalMask> out, u64 size);
Result<> sys_rt_sigsuspend(Caller& caller, mm::UserPtr<SignalMask> mask_address, u64 size);
Result<> sys_pause(Caller& caller);
Result<> sys_rt_sigpending(Caller& caller, mm::UserPtr<SignalMask> out, u64 size);
Result<u64> sys_rt_sigreturn(Caller& caller);
Result<i64> sys_rt_sigtimedwait(Caller& caller, mm::UserPtr<SignalMask> wanted_address, UserAddr info_out, UserAddr timeout, u64 size);
Result<> sys_kill(Caller&, i32 pid, i32 signal);
Result<> sys_tkill(Caller&, Pid tid, i32 signal);
Result<> sys_tgkill(Caller&, Pid group, Pid tid, i32 signal);
Result<> sys_rt_sigqueueinfo(Caller& caller, Pid pid, i32 signal, UserAddr info);
Result<> sys_rt_tgsigqueueinfo(Caller& caller, Pid group, Pid tid, i32 signal, UserAddr info);
Result<> sys_sigaltstack(Caller& caller, mm::UserPtr<UserStack> in, mm::UserPtr<UserStack> out);

// ---- clocks.cpp
Result<> sys_clock_gettime(Caller& caller, i32 clock, UserAddr out);
Result<> sys_clock_getres(Caller& caller, i32 clock, UserAddr out);
Result<> sys_clock_settime(Caller& caller, i32 clock, UserAddr in);
Result<i64> sys_time(Caller&, mm::UserPtr<i64> out);
Result<> sys_gettimeofday(Caller&, mm::UserPtr<i64> out, UserAddr zone);
Result<> sys_clock_nanosleep(Caller& caller, i32 clock, u32 flags, UserAddr request, UserAddr remaining);
Result<> sys_nanosleep(Caller& caller, UserAddr request, UserAddr remaining);
Result<u32> sys_restart_syscall(Caller& caller);
Result<u64> sys_times(Caller& caller, mm::UserPtr<i64> out);

// ---- polling.cpp
Result<u32> sys_poll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, i32 timeout_ms);
Result<u32> sys_ppoll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, UserAddr timeout, mm::UserPtr<process::SignalMask> mask, u64 size);
/// The sixth argument of pselect6(2).
struct UserMask { u64 address = 0, size = 0; };
Result<u32> sys_select(Caller& caller, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout);
Result<u32> sys_pselect6(Caller& caller, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout,
                         mm::UserPtr<UserMask> mask_address);

// ---- locks.cpp
Result<> sys_flock(Caller& caller, Fd fd, u32 operation);

// ---- epoll.cpp
Result<Fd> sys_epoll_create1(Caller& caller, u32 flags);
Result<Fd> sys_epoll_create(Caller& caller, i32 size);
Result<> sys_epoll_ctl(Caller& caller, Fd epoll_fd, i32 operation, Fd fd, mm::UserPtr<epoll_event> event_address);
Result<u32> sys_epoll_wait(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms);
Result<u32> sys_epoll_pwait(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, i32 timeout_ms,
                            mm::UserPtr<process::SignalMask> mask, u64 size);
Result<u32> sys_epoll_pwait2(Caller& caller, Fd epoll_fd, mm::UserPtr<epoll_event> out, i32 most, UserAddr timeout,
                             mm::UserPtr<process::SignalMask> mask, u64 size);

// ---- sockets.cpp
/// struct msghdr of sendmsg(2).
struct UserMessage {
    u64 name;
    u32 name_size, padding;
    u64 vector, count, control, control_size;
    u32 flags, more_padding;
};
Result<Fd> sys_socket(Caller& caller, u32 domain, u32 type, u32 protocol);
Result<> sys_socketpair(Caller& caller, u32 domain, u32 type, u32 protocol, mm::UserPtr<i32> out);
Result<size_t> sys_sendto(Caller& caller, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, u32 name_size);
Result<size_t> sys_recvfrom(Caller& caller, Fd fd, UserAddr address, u64 size, u32 flags, UserAddr name, mm::UserPtr<i32> name_size);
Result<size_t> sys_sendmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessage> message, u32 flags);
Result<size_t> sys_recvmsg(Caller& caller, Fd fd, mm::UserPtr<UserMessage> message, u32 flags);
Result<> sys_shutdown(Caller& caller, Fd fd, i32 how);
Result<> sys_getsockopt(Caller& caller, Fd fd, i32 level, i32 option, mm::UserPtr<i32> out, mm::UserPtr<i32> size);

// ---- event_files.cpp
Result<Fd> sys_eventfd2(Caller& caller, u32 initial, u32 flags);
Result<Fd> sys_eventfd(Caller& caller, u32 initial);

// ---- futexes.cpp
Result<u32> sys_futex(Caller& caller, UserAddr address, u32 operation, u32 value, u64 timeout_or_count, UserAddr second, u32 third_value);
Result<> sys_set_robust_list(Caller& caller, UserAddr head, u64 size);
Result<> sys_get_robust_list(Caller& caller, Pid tid, mm::UserPtr<u64> head, mm::UserPtr<u64> size);
/// FUTEX_WAIT that a stop interrupted.
Result<u32> restart_futex(Caller& caller);

// ---- system.cpp
Result<> sys_uname(Caller&, UserAddr out);
Result<> sys_sethostname(Caller& caller, UserAddr from, i32 size);
Result<> sys_setdomainname(Caller& caller, UserAddr from, i32 size);
Result<> sys_sysinfo(Caller&, UserAddr out);
Result<size_t> sys_getrandom(Caller& caller, UserAddr out, u64 size, u32 flags);
Result<> sys_getcpu(Caller&, mm::UserPtr<u32> cpu, mm::UserPtr<u32> node);
Result<> sys_reboot(Caller& caller, u32 magic1, u32 magic2, u32 command);
Result<i64> sys_syslog(Caller& caller, i32 type, UserAddr out, i32 size);

// ---- identity.cpp
Result<u32> sys_getuid(Caller& caller);
Result<u32> sys_geteuid(Caller& caller);
Result<u32> sys_getgid(Caller& caller);
Result<u32> sys_getegid(Caller& caller);
Result<> sys_getresuid(Caller& caller, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved);
Result<> sys_getresgid(Caller& caller, mm::UserPtr<u32> real, mm::UserPtr<u32> effective, mm::UserPtr<u32> saved);
Result<> sys_setresuid(Caller& caller, u32 real, u32 effective, u32 saved);
Result<> sys_setresgid(Caller& caller, u32 real, u32 effective, u32 saved);
Result<> sys_setuid(Caller& caller, u32 uid);
Result<> sys_setgid(Caller& caller, u32 gid);
Result<> sys_setreuid(Caller& caller, u32 real, u32 effective);
Result<> sys_setregid(Caller& caller, u32 real, u32 effective);
Result<u32> sys_setfsuid(Caller& caller, u32 uid);
Result<u32> sys_setfsgid(Caller& caller, u32 gid);
Result<u32> sys_getgroups(Caller& caller, i32 size, mm::UserPtr<u32> out);
Result<> sys_setgroups(Caller& caller, u32 count, mm::UserPtr<u32> in);

}
