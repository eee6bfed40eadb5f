// SPDX-License-Identifier: MIT
// where: guest
// The flags that change the machine, mounts and its clock, each by what it does (flag_effects.h); tests/boot/flags.py runs it.
#include "flag_effects.h"

#include <poll.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

static char block[4096];

static void mount_here(unsigned long flags) {
    REQUIRE(mkdir("m", 0755) == 0 && mount("it", "m", "tmpfs", flags, NULL) == 0);
}
static void unmount_here(void) { CHECK(umount2("m", 0) == 0); }
/// This program as a file there, which says as whom it runs.
void when_executed(int count, char** words) {
    if (count > 1 && !strcmp(words[1], "--who")) _exit(geteuid() == 0 ? 40 : 41);
}
static void copy_program(mode_t mode) {
    long got;
    int from = open("/proc/self/exe", O_RDONLY), to = open("m/program", O_WRONLY | O_CREAT, 0755);
    while ((got = read(from, block, sizeof block)) > 0) write(to, block, got);
    close(from), close(to);
    REQUIRE(chmod("m/program", mode) == 0);
}
static void see_program(uid_t uid) {
    pid_t child = forked();
    if (child == 0) {
        REQUIRE(setresuid(uid, uid, uid) == 0);
        execl("m/program", "program", "--who", (char*)NULL);
        _exit(errno);
    }
    int const code = WEXITSTATUS(wait_for(child));
    errno = code;
    saw("%s", code >= 40 ? result(code) : result(-1));
}
EFFECT(mount, MS_NOSUID) {
    mount_here(flag);
    copy_program(04755);
    see_program(1000);
    unmount_here();
}
EFFECT(mount, MS_NOEXEC) {
    mount_here(flag);
    copy_program(0755);
    see_program(0);
    unmount_here();
}
EFFECT(mount, MS_REMOUNT) {
    mount_here(0);
    copy_program(0755);
    saw("%s", result(mount(NULL, "m", NULL, flag | MS_NOEXEC, NULL)));
    see_program(0);
    unmount_here();
}
EFFECT(mount, MS_NODEV) {
    mount_here(flag);
    REQUIRE(mknod("m/null", S_IFCHR | 0666, makedev(1, 3)) == 0);
    int fd = open("m/null", O_RDWR);
    saw("%s", fd < 0 ? result(-1) : "opened");
    close(fd);
    unmount_here();
}
/// Whether reading a file and a folder, after they have changed, touches their times.
SHARED_BODY(see_times) {
    struct stat before[2], after[2];
    mount_here(flag);
    int file = open("m/file", O_RDWR | O_CREAT, 0600);
    REQUIRE(mkdir("m/folder", 0700) == 0);
    int folder = open("m/folder", O_RDONLY | O_DIRECTORY);
    sleep_ms(12);
    write(file, "text", 4);
    mkdir("m/folder/inner", 0700);
    fstat(file, &before[0]), fstat(folder, &before[1]);
    sleep_ms(12);
    pread(file, block, 4, 0);
    syscall(SYS_getdents64, folder, block, sizeof block);
    fstat(file, &after[0]), fstat(folder, &after[1]);
    for (int i = 0; i < 2; ++i) saw("%s %s", i ? "folder" : "file", memcmp(&before[i].st_atim, &after[i].st_atim, sizeof(struct timespec)) ? "moves" : "stays");
    close(file), close(folder);
    unmount_here();
}
EFFECT_BY(see_times, mount, MS_NOATIME)
EFFECT_BY(see_times, mount, MS_NODIRATIME)
NO_EFFECT(mount, MS_SILENT, "mounts say nothing")
NO_EFFECT(mount, MS_RELATIME, "it is so anyway")

EFFECT(timerfd_settime, TFD_TIMER_CANCEL_ON_SET) {
    struct itimerspec when = {{0, 0}, {0, 0}};
    struct timespec now;
    int fd = syscall(SYS_timerfd_create, CLOCK_REALTIME, 0);
    clock_gettime(CLOCK_REALTIME, &when.it_value);
    when.it_value.tv_sec += 1000;
    REQUIRE(syscall(SYS_timerfd_settime, fd, 1 | flag, &when, NULL) == 0);
    clock_gettime(CLOCK_REALTIME, &now);
    REQUIRE(clock_settime(CLOCK_REALTIME, &now) == 0);
    saw("poll %s", result(poll(&(struct pollfd){fd, POLLIN, 0}, 1, 0)));
    do_not_wait();
    saw("read %s", result(read(fd, block, 8)));
    saw("read %s", result(read(fd, block, 8)));
    saw("set %s", result(syscall(SYS_timerfd_settime, fd, 1 | flag, &when, NULL)));
}
