// SPDX-License-Identifier: MIT
// ioctl_console(2)'s requests about the keyboard, at /dev/tty1; tests/boot/layouts.py runs it (the host has no such terminal
// to give away). Everything is put back.
// libc: glibc
#include "test.h"

#include <linux/kd.h>
#include <linux/keyboard.h>
#include <sys/ioctl.h>

#define AT_THE_SCREEN TEST

static int terminal(void) {
    int fd = open("/dev/tty1", O_RDWR | O_NOCTTY);
    REQUIRE(fd >= 0);
    return fd;
}

AT_THE_SCREEN(modes) {
    int fd = terminal(), mode = -1;
    CHECK(ioctl(fd, KDGKBMODE, &mode) == 0 && mode == K_UNICODE);
    for (int wanted = K_RAW; wanted <= K_OFF; ++wanted) CHECK(ioctl(fd, KDSKBMODE, wanted) == 0 && ioctl(fd, KDGKBMODE, &mode) == 0 && mode == wanted);
    CHECK_ERRNO(ioctl(fd, KDSKBMODE, 5), EINVAL);
    CHECK(ioctl(fd, KDSKBMODE, K_UNICODE) == 0);
    CHECK(ioctl(fd, KDGKBMETA, &mode) == 0 && mode == K_ESCPREFIX);
    CHECK(ioctl(fd, KDSKBMETA, K_METABIT) == 0 && ioctl(fd, KDGKBMETA, &mode) == 0 && mode == K_METABIT);
    CHECK(ioctl(fd, KDSKBMETA, K_ESCPREFIX) == 0);
    CHECK_ERRNO(ioctl(fd, KDSKBMETA, 1), EINVAL);
    CHECK_ERRNO(ioctl(fd, KDGKBMODE, 8), EFAULT);
}

AT_THE_SCREEN(locks_and_lights) {
    int fd = terminal();
    char value = -1;
    CHECK(ioctl(fd, KDSKBLED, LED_CAP | LED_NUM << 4) == 0 && ioctl(fd, KDGKBLED, &value) == 0 && value == (LED_CAP | LED_NUM << 4));
    CHECK(ioctl(fd, KDGETLED, &value) == 0);
    CHECK_ERRNO(ioctl(fd, KDSKBLED, 8), EINVAL);
    CHECK(ioctl(fd, KDSETLED, LED_SCR) == 0);
    CHECK(ioctl(fd, KDSETLED, 8) == 0);   // the locks again
    CHECK(ioctl(fd, KDSKBLED, 0) == 0);
}

static int entry(int fd, int table, int key) {
    struct kbentry e = {table, key, 0};
    return ioctl(fd, KDGKBENT, &e) == 0 ? e.kb_value : -errno;
}

static int set_entry(int fd, int table, int key, int value) {
    struct kbentry e = {table, key, value};
    return ioctl(fd, KDSKBENT, &e) == 0 ? 0 : -errno;
}

AT_THE_SCREEN(tables) {
    int fd = terminal();
    CHECK(entry(fd, K_NORMTAB, 30) == K(KT_LETTER, 'a'));
    CHECK(entry(fd, K_SHIFTTAB, 30) == K(KT_LETTER, 'A'));
    CHECK(entry(fd, 200, 0) == K_NOSUCHMAP && entry(fd, 200, 30) == K_HOLE);
    CHECK(set_entry(fd, K_NORMTAB, 30, K(KT_LETTER, 'b')) == 0 && entry(fd, K_NORMTAB, 30) == K(KT_LETTER, 'b'));
    CHECK(set_entry(fd, K_NORMTAB, 30, 0x20ac ^ 0xf000) == 0 && entry(fd, K_NORMTAB, 30) == (0x20ac ^ 0xf000));
    CHECK(set_entry(fd, K_NORMTAB, 30, K(KT_SPEC, 99)) == -EINVAL);
    CHECK(set_entry(fd, K_NORMTAB, 30, K(KT_CUR, 4)) == -EINVAL);
    CHECK(set_entry(fd, K_NORMTAB, 30, K(KT_LETTER, 'a')) == 0);
    CHECK(set_entry(fd, 200, 30, K(KT_LATIN, 'x')) == 0 && entry(fd, 200, 30) == K(KT_LATIN, 'x') && entry(fd, 200, 0) == K_ALLOCATED);
    CHECK(set_entry(fd, 200, 0, K_NOSUCHMAP) == 0 && entry(fd, 200, 0) == K_NOSUCHMAP);
    CHECK(set_entry(fd, 200, 0, K_NOSUCHMAP) == 0);
    CHECK(set_entry(fd, 15, 0, K_NOSUCHMAP) == 0 && entry(fd, 15, 0) == K_NOSUCHMAP);   // one of the layout's own
    for (int key = 1; key < 128; ++key) REQUIRE(set_entry(fd, 15, key, K_HOLE) == 0);
    CHECK(ioctl(fd, KDSKBMODE, K_XLATE) == 0);
    CHECK(set_entry(fd, K_NORMTAB, 30, 0x20ac ^ 0xf000) == -EINVAL);
    CHECK(ioctl(fd, KDSKBMODE, K_UNICODE) == 0);
    CHECK_ERRNO(ioctl(fd, KDGKBENT, 8), EFAULT);
    CHECK_ERRNO(ioctl(fd, KDSKBENT, 8), EFAULT);
}

AT_THE_SCREEN(function_strings) {
    int fd = terminal();
    struct kbsentry s = {.kb_func = 0};
    CHECK(ioctl(fd, KDGKBSENT, &s) == 0 && !strcmp((char*)s.kb_string, "\033[[A"));
    memset(s.kb_string, 'x', sizeof s.kb_string);
    s.kb_string[511] = 0;
    CHECK(ioctl(fd, KDSKBSENT, &s) == 0);
    memset(s.kb_string, 0, sizeof s.kb_string);
    CHECK(ioctl(fd, KDGKBSENT, &s) == 0 && strlen((char*)s.kb_string) == 511);
    strcpy((char*)s.kb_string, "\033[[A");
    CHECK(ioctl(fd, KDSKBSENT, &s) == 0);
    s.kb_func = 255;
    CHECK(ioctl(fd, KDGKBSENT, &s) == 0 && s.kb_string[0] == 0);
    CHECK_ERRNO(ioctl(fd, KDSKBSENT, 8), EFAULT);
}

AT_THE_SCREEN(accents) {
    int fd = terminal(), found = 0;
    static struct kbdiacrsuc wide, kept;
    static struct kbdiacrs narrow;
    CHECK(ioctl(fd, KDGKBDIACRUC, &kept) == 0 && kept.kb_cnt > 100 && kept.kb_cnt <= 256);
    for (unsigned i = 0; i < kept.kb_cnt; ++i) found |= kept.kbdiacruc[i].diacr == '^' && kept.kbdiacruc[i].base == 'e' && kept.kbdiacruc[i].result == 0xea;
    CHECK(found);
    CHECK(ioctl(fd, KDGKBDIACR, &narrow) == 0 && narrow.kb_cnt > 50 && narrow.kb_cnt <= kept.kb_cnt);
    wide.kb_cnt = 1;
    wide.kbdiacruc[0] = (struct kbdiacruc){'x', 'y', 0x20ac};
    CHECK(ioctl(fd, KDSKBDIACRUC, &wide) == 0 && ioctl(fd, KDGKBDIACRUC, &wide) == 0 && wide.kb_cnt == 1 && wide.kbdiacruc[0].result == 0x20ac);
    CHECK(ioctl(fd, KDSKBDIACR, &narrow) == 0);
    wide.kb_cnt = 256;
    CHECK_ERRNO(ioctl(fd, KDSKBDIACRUC, &wide), EINVAL);
    CHECK_ERRNO(ioctl(fd, KDSKBDIACR, 8), EFAULT);
    kept.kb_cnt = kept.kb_cnt > 255 ? 255 : kept.kb_cnt;
    CHECK(ioctl(fd, KDSKBDIACRUC, &kept) == 0);
}

AT_THE_SCREEN(rights) {
    int fd = terminal(), mode = -1;
    static struct kbdiacrsuc list;
    struct kbsentry s = {.kb_func = 0};
    REQUIRE(setsid() > 0 || errno == EPERM);
    REQUIRE(setresuid(1000, 1000, 1000) == 0);
    CHECK(ioctl(fd, KDGKBMODE, &mode) == 0 && entry(fd, K_NORMTAB, 30) == K(KT_LETTER, 'a'));
    CHECK_ERRNO(ioctl(fd, KDSKBMODE, K_UNICODE), EPERM);
    CHECK_ERRNO(ioctl(fd, KDSKBLED, 0), EPERM);
    CHECK_ERRNO(ioctl(fd, KDSETLED, 0), EPERM);
    CHECK_ERRNO(ioctl(fd, KDSKBDIACRUC, &list), EPERM);
    CHECK(set_entry(fd, K_NORMTAB, 30, K(KT_LETTER, 'b')) == -EPERM);
    CHECK_ERRNO(ioctl(fd, KDSKBSENT, &s), EPERM);
}
