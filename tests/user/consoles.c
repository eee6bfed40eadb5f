// SPDX-License-Identifier: MIT
// libc: glibc
// console_ioctl(4) for tests/boot/screen.py, on /dev/tty0; prints lines of NAME VALUE.
//   state     which console is in front, which are open, and a free one
//   errors    what is refused, and how
//   graphics  KD_GRAPHICS for a while, then text again
#include <errno.h>
#include <fcntl.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

static int tty;

static int error_of(unsigned long command, long argument) { return ioctl(tty, command, argument) < 0 ? errno : 0; }

static void state(void) {
    struct vt_stat stat;
    int available = 0;
    if (ioctl(tty, VT_GETSTATE, &stat) < 0 || ioctl(tty, VT_OPENQRY, &available) < 0) perror("state");
    printf("active %d\nopen %d\nfree %d\n", stat.v_active, stat.v_state, available);
}

static void errors(void) {
    struct vt_mode mode, by_process = {VT_PROCESS, 0, 10, 12, 0}, automatic = {VT_AUTO, 0, 0, 0, 0};
    printf("activate_none %d\nactivate_many %d\n", error_of(VT_ACTIVATE, 0) == ENXIO, error_of(VT_ACTIVATE, 64) == ENXIO);
    printf("wait_many %d\n", error_of(VT_WAITACTIVE, 1l << 33) == ENXIO);
    printf("bad_pointer %d\n", error_of(VT_GETSTATE, 8) == EFAULT && error_of(VT_OPENQRY, -4096) == EFAULT && error_of(VT_SETMODE, 8) == EFAULT);
    printf("by_process %d\n", error_of(VT_SETMODE, (long)&by_process) == EINVAL);
    printf("automatic %d\n", error_of(VT_SETMODE, (long)&automatic) == 0 && ioctl(tty, VT_GETMODE, &mode) == 0 && mode.mode == VT_AUTO);
    printf("release %d\n", error_of(VT_RELDISP, 1) == EINVAL);
    printf("bad_mode %d\n", error_of(KDSETMODE, 7) == EINVAL);
    printf("in_front %d\n", error_of(VT_DISALLOCATE, 1) == EBUSY);
    if (setuid(65534) < 0) perror("setuid");
    printf("rights %d\n", error_of(VT_ACTIVATE, 2) == EPERM && error_of(KDSETMODE, KD_TEXT) == EPERM && error_of(VT_LOCKSWITCH, 1) == EPERM);
}

static void graphics(void) {
    int mode = -1;
    if (ioctl(tty, KDSETMODE, KD_GRAPHICS) < 0 || ioctl(tty, KDGETMODE, &mode) < 0) perror("graphics");
    printf("graphics %d\n", mode);
    dprintf(tty, "unseen\n");
    if (ioctl(tty, KDSETMODE, KD_TEXT) < 0 || ioctl(tty, KDGETMODE, &mode) < 0) perror("text");
    printf("text %d\n", mode);
}

int main(int argc, char** argv) {
    tty = open("/dev/tty0", O_RDWR | O_NOCTTY);
    if (tty < 0) return perror("/dev/tty0"), 1;
    char const* what = argc > 1 ? argv[1] : "state";
    if (strcmp(what, "errors") == 0) errors();
    else if (strcmp(what, "graphics") == 0) graphics();
    else state();
    return 0;
}
