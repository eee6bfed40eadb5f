// SPDX-License-Identifier: MIT
// The Linux ABI of this kernel: one row a system call, in the order of its numbers
// (asm/unistd_64.h). To add one: a row here, a handler in the file of its kind.
#include "kernel/syscall/table.h"

#include <array>

#include <asm/unistd_64.h>

#include "kernel/syscall/handlers.h"
#include "kernel/syscall/ipc.h"
#include "kernel/syscall/memory_files.h"
#include "kernel/syscall/pid_files.h"
#include "kernel/syscall/posix_queues.h"
#include "kernel/syscall/sockets.h"
#include "kernel/syscall/timers.h"

namespace syscall {
namespace {

struct NumberedRow {
    size_t number;
    Row row;
};

#define ROW(name) NumberedRow{__NR_##name, {entry<sys_##name>, #name}}

constexpr NumberedRow rows[] = {
    ROW(read),
    ROW(write),
    ROW(open),
    ROW(close),
    ROW(stat),
    ROW(fstat),
    ROW(lstat),
    ROW(poll),
    ROW(lseek),
    ROW(mmap),
    ROW(mprotect),
    ROW(munmap),
    ROW(brk),
    ROW(rt_sigaction),
    ROW(rt_sigprocmask),
    ROW(rt_sigreturn),
    ROW(ioctl),
    ROW(pread64),
    ROW(pwrite64),
    ROW(readv),
    ROW(writev),
    ROW(access),
    ROW(pipe),
    ROW(select),
    ROW(sched_yield),
    ROW(mremap),
    ROW(msync),
    ROW(madvise),
    ROW(dup),
    ROW(dup2),
    ROW(pause),
    ROW(nanosleep),
    ROW(getitimer), ROW(alarm), ROW(setitimer),
    ROW(getpid),
    ROW(sendfile),
    ROW(sendto),
    ROW(recvfrom),
    ROW(sendmsg),
    ROW(recvmsg),
    ROW(shutdown),
    ROW(socket),
    ROW(socketpair),
    ROW(setsockopt),
    ROW(getsockopt),
    ROW(clone),
    ROW(fork),
    ROW(vfork),
    ROW(execve),
    ROW(exit),
    ROW(wait4),
    ROW(kill),
    ROW(uname),
    ROW(shmget), ROW(shmat), ROW(shmctl), ROW(shmdt),
    ROW(semget), ROW(semop), ROW(semctl), ROW(semtimedop),
    ROW(msgget), ROW(msgsnd), ROW(msgrcv), ROW(msgctl),
    ROW(fcntl),
    ROW(flock),
    ROW(fsync),
    ROW(fdatasync),
    ROW(truncate),
    ROW(ftruncate),
    ROW(getcwd),
    ROW(chdir),
    ROW(fchdir),
    ROW(rename),
    ROW(mkdir),
    ROW(rmdir),
    ROW(creat),
    ROW(link),
    ROW(unlink),
    ROW(symlink),
    ROW(readlink),
    ROW(chmod),
    ROW(fchmod),
    ROW(chown),
    ROW(fchown),
    ROW(lchown),
    ROW(umask),
    ROW(gettimeofday),
    ROW(getrlimit),
    ROW(getrusage),
    ROW(sysinfo),
    ROW(times),
    ROW(getuid),
    ROW(syslog),
    ROW(getgid),
    ROW(setuid),
    ROW(setgid),
    ROW(geteuid),
    ROW(getegid),
    ROW(setpgid),
    ROW(getppid),
    ROW(getpgrp),
    ROW(setsid),
    ROW(setreuid),
    ROW(setregid),
    ROW(getgroups),
    ROW(setgroups),
    ROW(setresuid),
    ROW(getresuid),
    ROW(setresgid),
    ROW(getresgid),
    ROW(setfsuid),
    ROW(setfsgid),
    ROW(getpgid),
    ROW(getsid),
    ROW(rt_sigpending),
    ROW(rt_sigtimedwait),
    ROW(rt_sigqueueinfo),
    ROW(rt_sigsuspend),
    ROW(sigaltstack),
    ROW(mknod),
    ROW(personality),
    ROW(statfs),
    ROW(fstatfs),
    ROW(getpriority),
    ROW(setpriority),
    ROW(sched_setparam), ROW(sched_getparam), ROW(sched_setscheduler), ROW(sched_getscheduler),
    ROW(sched_get_priority_max), ROW(sched_get_priority_min), ROW(sched_rr_get_interval),
    ROW(vhangup),
    ROW(prctl),
    ROW(arch_prctl),
    ROW(setrlimit),
    ROW(chroot),
    ROW(sync),
    ROW(mount),
    ROW(umount2),
    ROW(unshare),
    ROW(reboot),
    ROW(sethostname),
    ROW(setdomainname),
    ROW(gettid),
    ROW(tkill),
    ROW(time),
    ROW(futex),
    ROW(sched_setaffinity),
    ROW(sched_getaffinity),
    ROW(getdents64),
    ROW(set_tid_address),
    ROW(restart_syscall),
    ROW(timer_create), ROW(timer_settime), ROW(timer_gettime), ROW(timer_getoverrun), ROW(timer_delete),
    ROW(clock_settime),
    ROW(clock_gettime),
    ROW(clock_getres),
    ROW(clock_nanosleep),
    ROW(exit_group),
    ROW(tgkill),
    ROW(mq_open), ROW(mq_unlink), ROW(mq_timedsend), ROW(mq_timedreceive), ROW(mq_notify), ROW(mq_getsetattr),
    ROW(waitid),
    ROW(openat),
    ROW(mkdirat),
    ROW(mknodat),
    ROW(fchownat),
    ROW(newfstatat),
    ROW(unlinkat),
    ROW(renameat),
    ROW(linkat),
    ROW(symlinkat),
    ROW(readlinkat),
    ROW(fchmodat),
    ROW(faccessat),
    ROW(pselect6),
    ROW(ppoll),
    ROW(set_robust_list),
    ROW(get_robust_list),
    ROW(utimensat),
    ROW(epoll_create),
    ROW(epoll_wait),
    ROW(epoll_ctl),
    ROW(epoll_pwait),
    ROW(signalfd), ROW(timerfd_create),
    ROW(eventfd),
    ROW(timerfd_settime), ROW(timerfd_gettime), ROW(signalfd4),
    ROW(eventfd2),
    ROW(dup3),
    ROW(epoll_create1),
    ROW(pipe2),
    ROW(preadv),
    ROW(pwritev),
    ROW(recvmmsg),
    ROW(rt_tgsigqueueinfo),
    ROW(prlimit64),
    ROW(sendmmsg),
    ROW(getcpu),
    ROW(sched_setattr), ROW(sched_getattr),
    ROW(renameat2),
    ROW(getrandom),
    ROW(memfd_create),
    ROW(copy_file_range),
    ROW(preadv2),
    ROW(pwritev2),
    ROW(statx),
    ROW(pidfd_send_signal), ROW(pidfd_open),
    ROW(clone3),
    ROW(close_range),
    ROW(faccessat2),
    ROW(epoll_pwait2),
};

#undef ROW

struct Table { Row rows[table_size]; };

consteval Table spread() {
    Table out{};
    for (auto const& [number, row] : rows) {
        if (number >= table_size || out.rows[number].call) __builtin_trap();   // taken or too large: does not compile
        out.rows[number] = row;
    }
    return out;
}

constinit Table const spread_table = spread();

}

constinit std::span<Row const, table_size> const table(spread_table.rows);

}
