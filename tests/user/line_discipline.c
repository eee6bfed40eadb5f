// SPDX-License-Identifier: MIT
// The line discipline, through a pseudo-terminal: termios(3), and what Linux's n_tty does where that page is silent.
// timeout: 120
#include "test.h"

#include <poll.h>
#include <termios.h>
#include <sys/ioctl.h>

/// The kernel's own structs: libraries add to theirs.
struct settings { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; };
struct settings2 { unsigned iflag, oflag, cflag, lflag; unsigned char line, cc[19]; unsigned ispeed, ospeed; };
struct settings1 { unsigned short iflag, oflag, cflag, lflag; unsigned char line, cc[8]; };
enum { iISTRIP = 040, iINLCR = 0100, iIGNCR = 0200, iICRNL = 0400, iIUCLC = 01000, iIXON = 02000, iIXANY = 04000, iIMAXBEL = 020000,
       iIUTF8 = 040000, iPARMRK = 010 };
enum { oOPOST = 1, oOLCUC = 2, oONLCR = 4, oOCRNL = 010, oONOCR = 020, oONLRET = 040, oXTABS = 014000 };
enum { lISIG = 1, lICANON = 2, lECHO = 010, lECHOE = 020, lECHOK = 040, lECHONL = 0100, lNOFLSH = 0200, lECHOCTL = 01000, lECHOPRT = 02000,
       lECHOKE = 04000, lIEXTEN = 0100000, lEXTPROC = 0200000 };
enum { cVINTR, cVQUIT, cVERASE, cVKILL, cVEOF, cVTIME, cVMIN, cVSWTC, cVSTART, cVSTOP, cVSUSP, cVEOL, cVREPRINT, cVDISCARD, cVWERASE, cVLNEXT, cVEOL2 };
#ifndef BOTHER
#define BOTHER 0010000
#endif
#ifndef TIOCGDEV
#define TIOCGDEV 0x80045432
#endif
#define GET2 0x802c542a
#define SET2 0x402c542b

static int master, slave;

static void open_pair(void) {
    int zero = 0, number;
    master = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    REQUIRE(master >= 0 && ioctl(master, TIOCSPTLCK, &zero) == 0 && ioctl(master, TIOCGPTN, &number) == 0);
    char name[32];
    snprintf(name, sizeof name, "/dev/pts/%d", number);
    slave = open(name, O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
}
static void close_pair(void) { close(slave), close(master); }
static struct settings get(void) {
    struct settings s;
    memset(&s, 0, sizeof s);
    CHECK(ioctl(slave, TCGETS, &s) == 0);
    return s;
}
static void set(struct settings s) { CHECK(ioctl(slave, TCSETS, &s) == 0); }
static void set_raw(int minimum, int time) {
    struct settings s = get();
    s.iflag = s.lflag = 0;
    s.oflag &= ~oOPOST;
    s.cc[cVMIN] = minimum, s.cc[cVTIME] = time;
    set(s);
}
static int ready(int fd, int timeout) {
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, timeout) == 1 && (p.revents & POLLIN);
}
static void show_bytes(char const* what, char const* bytes, int length) {
    say("    %s %d:", what, length);
    for (int i = 0; i < length; i++) {
        unsigned char c = bytes[i];
        say(c > 32 && c < 127 && c != '\\' ? "%c" : "\\%02x", c);
    }
    say("\n");
}
/// Whether `fd` gives these bytes, however many reads it takes.
static int gives_bytes(int fd, char const* wanted, int length) {
    char buffer[8192];
    int done = 0;
    while (done < length && ready(fd, 20000)) {
        int n = read(fd, buffer + done, length - done);
        if (n < 0) break;
        done += n;
    }
    if (done == length && memcmp(buffer, wanted, length) == 0) return 1;
    show_bytes("wanted", wanted, length > 300 ? 300 : length);
    show_bytes("got", buffer, done > 300 ? 300 : done);
    return 0;
}
static int gives(int fd, char const* wanted) { return gives_bytes(fd, wanted, strlen(wanted)); }
/// Whether one read gives just these bytes.
static int reads(char const* wanted) {
    char buffer[8192];
    int n = ready(slave, 20000) ? (int)read(slave, buffer, sizeof buffer) : -1;
    if (n == (int)strlen(wanted) && memcmp(buffer, wanted, n) == 0) return 1;
    show_bytes("wanted", wanted, strlen(wanted));
    show_bytes("got", buffer, n);
    return 0;
}
static void type_bytes(char const* bytes, int length) { CHECK(write(master, bytes, length) == length); }
static void type(char const* bytes) { type_bytes(bytes, strlen(bytes)); }
static int waiting(int fd) {
    int count = -1;
    CHECK(ioctl(fd, FIONREAD, &count) == 0);
    return count;
}

/// So many bytes can be read, soon.
static int comes(int fd, int count) {
    for (int i = 0; i < 10000 && waiting(fd) != count; ++i) usleep(1000);
    return waiting(fd) == count;
}

/// One line typed under some settings: what the screen shows, what the program reads.
struct line {
    char const* what;
    unsigned iset, iclear, lset, lclear;
    char const *typed, *echo, *read;
};
static struct line const lines[] = {
    {"plain", 0, 0, 0, 0, "hello\n", "hello\r\n", "hello\n"},
    {"return is a newline", 0, 0, 0, 0, "hello\r", "hello\r\n", "hello\n"},
    {"return as it is", 0, iICRNL, 0, 0, "a\rb\n", "a^Mb\r\n", "a\rb\n"},
    {"return ignored", iIGNCR, 0, 0, 0, "a\rb\n", "ab\r\n", "ab\n"},
    {"newline is a return", iINLCR, iICRNL, 0, 0, "a\nb\004", "a^Mb", "a\rb"},
    {"newline and return change places", iINLCR, 0, 0, 0, "a\nb\r", "a^Mb\r\n", "a\rb\n"},
    {"stripped", iISTRIP, 0, 0, 0, "\341\342\n", "ab\r\n", "ab\n"},
    {"lower case", iIUCLC, 0, 0, 0, "HeLLO1\n", "hello1\r\n", "hello1\n"},
    {"lower case needs IEXTEN", iIUCLC, 0, 0, lIEXTEN, "Ab\n", "Ab\r\n", "Ab\n"},
    {"no echo", 0, 0, 0, lECHO, "secret\n", "", "secret\n"},
    {"only the newline", 0, 0, lECHONL, lECHO, "secret\n", "\r\n", "secret\n"},
    {"control characters", 0, 0, 0, 0, "a\001\033[A\t.\n", "a^A^[[A\t.\r\n", "a\001\033[A\t.\n"},
    {"control characters as they are", 0, 0, 0, lECHOCTL, "a\001b\n", "a\001b\r\n", "a\001b\n"},
    {"erase", 0, 0, 0, 0, "ab\177c\n", "ab\b \bc\r\n", "ac\n"},
    {"erase more than there is", 0, 0, 0, 0, "a\177\177\177b\n", "a\b \bb\r\n", "b\n"},
    {"erase a control character", 0, 0, 0, 0, "\001\177b\n", "^A\b \b\b \bb\r\n", "b\n"},
    {"erase an invisible one", 0, 0, 0, lECHOCTL, "x\001\177b\n", "x\001b\r\n", "xb\n"},
    {"erase a tab", 0, 0, 0, 0, "ab\t\177c\n", "ab\t\b\b\b\b\b\bc\r\n", "abc\n"},
    {"erase the second tab", 0, 0, 0, 0, "ab\t1\t\177c\n", "ab\t1\t\b\b\b\b\b\b\bc\r\n", "ab\t1c\n"},
    {"erase a tab after control characters", 0, 0, 0, 0, "\001\002\t\177c\n", "^A^B\t\b\b\b\bc\r\n", "\001\002c\n"},
    {"erase by showing the character", 0, 0, 0, lECHOE, "ab\177c\n", "ab^?c\r\n", "ac\n"},
    {"erase as on paper", 0, 0, lECHOPRT, 0, "abc\177\177d\n", "abc\\cb/d\r\n", "ad\n"},
    {"erase all as on paper", 0, 0, lECHOPRT, 0, "ab\177\177\n", "ab\\ba/\r\n", "\n"},
    {"erase on paper until the line ends", 0, 0, lECHOPRT, 0, "abc\177\n", "abc\\c\r\n", "ab\n"},
    {"kill on paper", 0, 0, lECHOPRT, 0, "abc\025x\n", "abc\\cba/x\r\n", "x\n"},
    {"erase bytes of a character", 0, 0, 0, 0, "x\303\251\177\177y\n", "x\303\251\b \b\b \by\r\n", "xy\n"},
    {"erase a character of two bytes", iIUTF8, 0, 0, 0, "x\303\251\177y\n", "x\303\251\b \by\r\n", "xy\n"},
    {"erase a character of three bytes", iIUTF8, 0, 0, 0, "\342\202\254\177y\n", "\342\202\254\b \by\r\n", "y\n"},
    {"erase half a character", iIUTF8, 0, 0, 0, "\251\177y\n", "\251y\r\n", "\251y\n"},
    {"kill", 0, 0, 0, 0, "abc\025d\n", "abc\b \b\b \b\b \bd\r\n", "d\n"},
    {"kill without ECHOKE", 0, 0, 0, lECHOKE, "abc\025d\n", "abc^U\r\nd\r\n", "d\n"},
    {"kill without ECHOK", 0, 0, 0, lECHOK | lECHOKE, "abc\025d\n", "abc^Ud\r\n", "d\n"},
    {"kill nothing", 0, 0, 0, lECHOKE, "\025d\n", "d\r\n", "d\n"},
    {"kill without echo", 0, 0, 0, lECHO, "abc\025d\n", "", "d\n"},
    {"erase a word", 0, 0, 0, 0, "one two\027x\n", "one two\b \b\b \b\b \bx\r\n", "one x\n"},
    {"erase a word and blanks", 0, 0, 0, 0, "one two  \027x\n", "one two  \b \b\b \b\b \b\b \b\b \bx\r\n", "one x\n"},
    {"erase a word of letters alone", 0, 0, 0, 0, "a/b_1.\027x\n", "a/b_1.\b \b\b \b\b \b\b \bx\r\n", "a/x\n"},
    {"erase a word with an accent", iIUTF8, 0, 0, 0, "a \303\251b\027x\n", "a \303\251b\b \b\b \bx\r\n", "a x\n"},
    {"a word's bytes without IUTF8", 0, 0, 0, 0, "a \303\251b\027x\n", "a \303\251b\b \bx\r\n", "a \303\251x\n"},
    {"words need IEXTEN", 0, 0, 0, lIEXTEN, "ab\027\n", "ab^W\r\n", "ab\027\n"},
    {"literally", 0, 0, 0, 0, "a\026\177b\n", "a^\b^?b\r\n", "a\177b\n"},
    {"a literal newline", 0, 0, 0, 0, "a\026\nb\n", "a^\b^Jb\r\n", "a\nb\n"},
    {"a literal end of file", 0, 0, 0, 0, "\026\004b\n", "^\b^Db\r\n", "\004b\n"},
    {"literally the same", 0, 0, 0, 0, "\026\026b\n", "^\b^Vb\r\n", "\026b\n"},
    {"literals need IEXTEN", 0, 0, 0, lIEXTEN, "\026x\n", "^Vx\r\n", "\026x\n"},
    {"a literal is erased", 0, 0, 0, 0, "a\026\001\177b\n", "a^\b^A\b \b\b \bb\r\n", "ab\n"},
    {"typed again", 0, 0, 0, 0, "ab\022c\n", "ab^R\r\nabc\r\n", "abc\n"},
    {"reprint without echo is a character", 0, 0, 0, lECHO, "ab\022c\n", "", "ab\022c\n"},
    {"marks doubled", iPARMRK, 0, 0, 0, "a\377b\n", "a\377b\r\n", "a\377\377b\n"},
    {"no marks", 0, 0, 0, 0, "a\377b\n", "a\377b\r\n", "a\377b\n"},
    {"flow control is not input", 0, 0, 0, 0, "a\023\021b\n", "ab\r\n", "ab\n"},
    {"no flow control", 0, iIXON, 0, 0, "a\023\021b\n", "a^S^Qb\r\n", "a\023\021b\n"},
    {"no signals", 0, 0, 0, lISIG, "a\003\034\032b\n", "a^C^\\^Zb\r\n", "a\003\034\032b\n"},
    {"flushed by a signal", 0, 0, lNOFLSH, 0, "ab\003cd\n", "ab^Ccd\r\n", "abcd\n"},
};

TEST(lines) {
    for (unsigned i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct line const* l = &lines[i];
        open_pair();
        struct settings s = get();
        s.iflag = (s.iflag | l->iset) & ~l->iclear;
        s.lflag = (s.lflag | l->lset) & ~l->lclear;
        set(s);
        type(l->typed);
        int right = gives(slave, l->read) & gives(master, l->echo);
        if (ready(master, 5)) right = 0, say("    more echo\n");
        if (ready(slave, 0)) right = 0, say("    more input\n");
        say("%s: %s\n", right ? "as it should be" : "WRONG", l->what);
        CHECK(right);
        close_pair();
    }
}

/// What a program writes, and what comes out.
struct output { char const* what; unsigned oset, oclear; char const *written, *sent; };
static struct output const outputs[] = {
    {"newlines", 0, 0, "a\nb\r\n", "a\r\nb\r\r\n"},
    {"as it is", 0, oOPOST, "a\nb\r\n\t", "a\nb\r\n\t"},
    {"no ONLCR", 0, oONLCR, "a\nb", "a\nb"},
    {"returns are newlines", oOCRNL, oONLCR, "a\rb\n", "a\nb\n"},
    {"returns at column 0", oONOCR, 0, "\ra\r\rb\n\r", "a\rb\r\n"},
    {"newlines return", oONOCR | oONLRET, oONLCR, "a\n\rb\r", "a\nb\r"},
    {"newlines do not", oONOCR, oONLCR, "a\n\rb\r", "a\n\rb\r"},
    {"upper case", oOLCUC, 0, "aBz1~\n", "ABZ1~\r\n"},
    {"tabs", oXTABS, 0, "\ta\tbc\t1234567\t12345678\t|\n", "        a       bc      1234567 12345678        |\r\n"},
    {"tabs after a return", oXTABS, 0, "abc\r\t|", "abc\r        |"},
    {"tabs after a backspace", oXTABS, 0, "abc\b\b\t|", "abc\b\b       |"},
    {"tabs after control characters", oXTABS, 0, "\033\001a\t|", "\033\001a       |"},
    {"tabs left alone", 0, 0, "a\tb", "a\tb"},
};

TEST(output) {
    for (unsigned i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        struct output const* o = &outputs[i];
        open_pair();
        struct settings s = get();
        s.oflag = (s.oflag | o->oset) & ~o->oclear;
        set(s);
        CHECK(write(slave, o->written, strlen(o->written)) == (ssize_t)strlen(o->written));
        int right = gives(master, o->sent);
        if (ready(master, 0)) right = 0, say("    more output\n");
        say("%s: %s\n", right ? "as it should be" : "WRONG", o->what);
        CHECK(right);
        close_pair();
    }
}

TEST(characters_after_a_prompt) {
    open_pair();
    CHECK(write(slave, "abc$ ", 5) == 5 && gives(master, "abc$ "));
    type("x\t\177y");                              // 6 columns are taken: the tab has two
    CHECK(gives(master, "x\t\b\by"));
    struct settings s = get();
    s.oflag |= oXTABS;
    set(s);
    type("\n");
    CHECK(reads("xy\n") && gives(master, "\r\n"));
    CHECK(write(slave, "1234", 4) == 4 && gives(master, "1234"));
    type("a\t");
    CHECK(gives(master, "a   "));
    type("\177");
    CHECK(gives(master, "\b\b\b"));
}

TEST(reads_of_lines) {
    open_pair();
    char buffer[64];
    type("one\ntwo\n\nfour\n");
    CHECK(gives(master, "one\r\ntwo\r\n\r\nfour\r\n"));
    CHECK(waiting(slave) == 14);
    CHECK(reads("one\n"));
    CHECK(read(slave, buffer, 2) == 2 && memcmp(buffer, "tw", 2) == 0);
    CHECK(read(slave, buffer, 2) == 2 && memcmp(buffer, "o\n", 2) == 0);
    CHECK(reads("\n") && reads("four\n"));
    CHECK(!ready(slave, 0) && waiting(slave) == 0);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    CHECK_ERRNO(read(slave, buffer, 8), EAGAIN);
    type("unfinished");
    CHECK(gives(master, "unfinished") && !ready(slave, 0) && waiting(slave) == 0);
    CHECK_ERRNO(read(slave, buffer, 8), EAGAIN);
    CHECK(read(slave, buffer, 0) == 0);
    CHECK_ERRNO(read(slave, (char*)8, 0x7000), EAGAIN);
}

TEST(end_of_file) {
    open_pair();
    char buffer[64];
    type("\004");
    CHECK(ready(slave, 20000) && waiting(slave) == 0 && read(slave, buffer, 64) == 0);
    type("abc\004");
    CHECK(reads("abc"));
    type("abc\004def\004\004");
    CHECK(reads("abc"));
    CHECK(ready(slave, 20000) && read(slave, buffer, 3) == 3 && memcmp(buffer, "def", 3) == 0);
    CHECK(ready(slave, 20000) && read(slave, buffer, 64) == 0);   // the first one ended what was read
    struct settings s = get();
    s.cc[cVEOF] = 0;                               // none
    s.cc[cVEOL] = ';', s.cc[cVEOL2] = '!';
    set(s);
    type("a\004;b!c\n");
    CHECK(reads("a\004;") && reads("b!") && reads("c\n"));
    s.lflag &= ~lIEXTEN;
    set(s);
    type("b!c;");
    CHECK(reads("b!c;"));
}

TEST(long_lines) {
    open_pair();
    struct settings s = get();
    s.lflag &= ~lECHO;
    set(s);
    static char line[6000], buffer[8192];
    memset(line, 'a', sizeof line);
    line[4094] = 'y', line[4095] = 'z', line[5999] = '\n';
    type_bytes(line, sizeof line);
    CHECK(ready(slave, 20000));
    int n = read(slave, buffer, sizeof buffer);
    SHOW(n);
    if (n > 4) show_bytes("ends with", buffer + n - 4, 4);
    type_bytes(line, 5000);
    type("\177\177\177b\n");
    CHECK(ready(slave, 20000));
    n = read(slave, buffer, sizeof buffer);
    SHOW(n);
    if (n > 4) show_bytes("ends with", buffer + n - 4, 4);
    type_bytes(line, 5000);
    type("\025short\n");
    CHECK(reads("short\n"));
}

TEST(a_long_line_behind_a_short_one) {
    open_pair();
    struct settings s = get();
    s.lflag &= ~lECHO;
    set(s);
    pid_t child = fork();
    if (child == 0) {
        static char line[6003];
        memset(line, 'b', sizeof line);
        line[0] = 'a', line[1] = '\n', line[6002] = '\n';
        for (int done = 0; done < 6003;) {
            int n = write(master, line + done, 6003 - done);
            if (n <= 0) _exit(1);
            done += n;
        }
        _exit(0);
    }
    usleep(20000);                                 // it should wait for room by then; nothing goes wrong if it does not
    static char buffer[8192];
    CHECK(reads("a\n"));
    CHECK(ready(slave, 20000));
    int n = read(slave, buffer, sizeof buffer);
    SHOW(n);
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

TEST(raw_reads) {
    open_pair();
    char buffer[64];
    set_raw(1, 0);
    type("ab\003\004\n\r\177");
    CHECK(gives(slave, "ab\003\004\n\r\177"));
    CHECK(!ready(master, 0));
    set_raw(3, 0);
    type("ab");
    CHECK(comes(slave, 2));
    CHECK(!ready(slave, 0));
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    CHECK(read(slave, buffer, 64) == 2);
    CHECK_ERRNO(read(slave, buffer, 64), EAGAIN);
    fcntl(slave, F_SETFL, O_RDWR);
    type("abc");
    CHECK(ready(slave, 20000) && read(slave, buffer, 64) == 3);
    type("ab");
    CHECK(read(slave, buffer, 1) == 1 && read(slave, buffer, 1) == 1);   // fewer were asked for
    set_raw(0, 0);
    CHECK(read(slave, buffer, 64) == 0);
    CHECK(!ready(slave, 0));
    set_raw(0, 1);
    CHECK(read(slave, buffer, 64) == 0);
    type("x");
    CHECK(comes(slave, 1));
    CHECK(read(slave, buffer, 64) == 1);
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    CHECK_ERRNO(read(slave, buffer, 64), EAGAIN);
    fcntl(slave, F_SETFL, O_RDWR);
    set_raw(10, 1);
    type("xyz");
    CHECK(comes(slave, 3));
    CHECK(ready(slave, 0));                        // with VTIME one byte is enough for poll
    CHECK(read(slave, buffer, 64) == 3);
    type_bytes("\0\0\377", 3);
    CHECK(gives_bytes(slave, "\0\0\377", 3));
}

TEST(change_of_mode) {
    open_pair();
    struct settings cooked = get();
    cooked.lflag &= ~lECHO;
    set(cooked);
    type("abc");
    usleep(1000);
    set_raw(1, 0);
    CHECK(gives(slave, "abc"));                    // an unfinished line can be read now
    type("def");
    CHECK(comes(slave, 3));
    set(cooked);
    CHECK(waiting(slave) == 3 && reads("def"));    // and what was typed then is a line
    type("one\ntwo\n\004");
    CHECK(comes(slave, 8));
    usleep(1000);
    set_raw(1, 0);
    char buffer[16];
    CHECK(comes(slave, 9));
    CHECK(read(slave, buffer, 16) == 9 && memcmp(buffer, "one\ntwo\n\0", 9) == 0);
    // TCSETSF forgets what was typed
    set(cooked);
    type("lost\nlost");
    CHECK(comes(slave, 5));
    usleep(20000);
    CHECK(ioctl(slave, TCSETSF, &cooked) == 0 && waiting(slave) == 0);
    type("found\n");
    CHECK(reads("found\n"));
}

TEST(discarded) {
    open_pair();
    struct settings s = get();
    s.lflag &= ~lECHO;
    set(s);
    type("abc\n");
    CHECK(ready(slave, 20000));
    CHECK(ioctl(slave, TCFLSH, 1) == 0 && waiting(slave) == 4);   // TCOFLUSH
    CHECK(ioctl(slave, TCFLSH, 0) == 0 && waiting(slave) == 0 && !ready(slave, 0));
    type("abc\n");
    CHECK(ready(slave, 20000));
    CHECK(ioctl(slave, TCFLSH, 2) == 0 && waiting(slave) == 0);
    CHECK_ERRNO(ioctl(slave, TCFLSH, 3), EINVAL);
    CHECK_ERRNO(ioctl(slave, TCXONC, 4), EINVAL);
    CHECK_ERRNO(ioctl(slave, FIONREAD, (int*)8), EFAULT);
    int out = -1;
    CHECK(ioctl(slave, TIOCOUTQ, &out) == 0 && out == 0);
    CHECK(ioctl(slave, TCSBRK, 0) == 0 && ioctl(slave, TCSBRK, 1) == 0 && ioctl(slave, TCSBRKP, 2) == 0);
    CHECK(ioctl(slave, TIOCSBRK) == 0 && ioctl(slave, TIOCCBRK) == 0);
}

TEST(stopped_output) {
    open_pair();
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    type("\023");
    for (int i = 0; i < 10000 && write(slave, "x", 1) == 1; i++) usleep(1000);
    CHECK_ERRNO(write(slave, "x", 1), EAGAIN);
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    char buffer[256];
    usleep(20000);
    while (read(master, buffer, sizeof buffer) > 0) {}
    type("echo");                                  // shown when output goes on
    usleep(20000);
    CHECK(!ready(master, 0));
    type("\021");
    CHECK(gives(master, "echo"));
    CHECK(write(slave, "y", 1) == 1 && gives(master, "y"));
    // what a program stopped, typing does not start
    CHECK(ioctl(slave, TCXONC, TCOOFF) == 0);
    type("\021");
    usleep(20000);
    CHECK_ERRNO(write(slave, "x", 1), EAGAIN);
    CHECK(ioctl(slave, TCXONC, TCOON) == 0 && write(slave, "z", 1) == 1 && gives(master, "z"));
    // IXANY
    struct settings s = get();
    s.iflag |= iIXANY, s.lflag &= ~lECHO;
    set(s);
    type("\023");
    for (int i = 0; i < 10000 && write(slave, "x", 1) == 1; i++) usleep(1000);
    type("a");
    int n = -1;
    for (int i = 0; i < 10000 && (n = write(slave, "w", 1)) != 1; i++) usleep(1000);
    CHECK(n == 1);
    // without IXON nothing stays stopped
    type("\023");
    for (int i = 0; i < 10000 && write(slave, "x", 1) == 1; i++) usleep(1000);
    s.iflag &= ~iIXON;
    set(s);
    CHECK(write(slave, "v", 1) == 1);
    // TCIOFF and TCION send the characters
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    usleep(20000);
    while (read(master, buffer, sizeof buffer) > 0) {}
    CHECK(ioctl(slave, TCXONC, TCIOFF) == 0 && gives(master, "\023"));
    CHECK(ioctl(slave, TCXONC, TCION) == 0 && gives(master, "\021"));
}

TEST(a_signal_discards) {
    open_pair();
    struct settings s = get();
    s.lflag &= ~lECHO;
    set(s);
    type("one\ntwo");
    CHECK(ready(slave, 20000));
    type("\003three\n");
    for (int i = 0; i < 10000 && waiting(slave) != 6; i++) usleep(1000);
    CHECK(reads("three\n"));
    s.lflag |= lNOFLSH;
    set(s);
    type("one\ntwo");
    CHECK(ready(slave, 20000));
    type("\034three\n");
    CHECK(reads("one\n") && reads("twothree\n"));
}

TEST(other_characters) {
    open_pair();
    struct settings s = get();
    s.cc[cVERASE] = '#', s.cc[cVKILL] = '@', s.cc[cVINTR] = 0, s.cc[cVWERASE] = '%', s.cc[cVLNEXT] = '$', s.cc[cVREPRINT] = '&';
    set(s);
    type("ab#c\003\n");
    CHECK(gives(master, "ab\b \bc^C\r\n") && reads("ac\003\n"));
    type("x@y$@z%q\n");
    CHECK(gives(master, "x\b \by^\b@z\b \bq\r\n") && reads("y@q\n"));
    type("a&\n");
    CHECK(gives(master, "a&\r\na\r\n") && reads("a\n"));
}

TEST(external_processing) {
    open_pair();
    struct settings s = get();
    s.lflag |= lEXTPROC;
    set(s);
    type("ab\177\003\n");
    CHECK(gives(slave, "ab\177\003\n"));
    CHECK(!ready(master, 5));
}

TEST(forms_of_settings) {
    open_pair();
    struct settings s = get(), other;
    struct settings2 two;
    struct settings1 one;
    memset(&two, 0, sizeof two), memset(&one, 0, sizeof one);
    CHECK(ioctl(slave, GET2, &two) == 0);
    CHECK(two.iflag == s.iflag && two.oflag == s.oflag && two.cflag == s.cflag && two.lflag == s.lflag && memcmp(two.cc, s.cc, 19) == 0);
    say("speeds %u %u\n", two.ispeed, two.ospeed);
    CHECK(ioctl(slave, TCGETA, &one) == 0);
    CHECK(one.iflag == s.iflag && one.cflag == (unsigned short)s.cflag && memcmp(one.cc, s.cc, 8) == 0);
    two.cflag = (two.cflag & ~(CBAUD | (CBAUD << 16))) | BOTHER;
    two.ospeed = 12345, two.ispeed = 54321;
    CHECK(ioctl(slave, SET2, &two) == 0 && ioctl(slave, GET2, &two) == 0);
    say("speeds %u %u\n", two.ispeed, two.ospeed);
    two.cflag |= BOTHER << 16;
    two.ospeed = 12345, two.ispeed = 54321;
    CHECK(ioctl(slave, SET2, &two) == 0 && ioctl(slave, GET2, &two) == 0);
    say("speeds %u %u %#o\n", two.ispeed, two.ospeed, two.cflag);
    unsigned const speeds[] = {0, 1, 5, 13, 15, 010001, 010002, 010017};
    for (int i = 0; i < 8; i++) {
        s.cflag = (s.cflag & ~CBAUD) | speeds[i];
        CHECK(ioctl(slave, TCSETS, &s) == 0 && ioctl(slave, GET2, &two) == 0);
        say("%#o: %u %u\n", speeds[i], two.ispeed, two.ospeed);
    }
    one.lflag &= ~lECHO;
    one.cc[cVERASE] = 'e';
    CHECK(ioctl(slave, TCSETA, &one) == 0);
    other = get();
    CHECK(!(other.lflag & lECHO) && other.cc[cVERASE] == 'e' && other.cc[cVWERASE] == s.cc[cVWERASE]);
    CHECK(ioctl(slave, TCSETAW, &one) == 0 && ioctl(slave, TCSETAF, &one) == 0 && ioctl(slave, TCSETSW, &s) == 0);
    CHECK(ioctl(slave, SET2 + 1, &two) == 0 && ioctl(slave, SET2 + 2, &two) == 0);
    unsigned long const calls[] = {TCGETS, TCSETS, TCSETSW, TCSETSF, TCGETA, TCSETA, TCSETAW, TCSETAF, GET2, SET2, SET2 + 1, SET2 + 2};
    for (int i = 0; i < 12; i++) CHECK_ERRNO(ioctl(slave, calls[i], (void*)8), EFAULT);
    int local = -1;
    CHECK(ioctl(slave, TIOCGSOFTCAR, &local) == 0 && local == 0);
    local = 1;
    CHECK(ioctl(slave, TIOCSSOFTCAR, &local) == 0 && (get().cflag & CLOCAL));
    s.line = 7;
    CHECK(ioctl(slave, TCSETS, &s) == 0);
    int discipline = -1;
    CHECK(ioctl(slave, TIOCGETD, &discipline) == 0 && discipline == 0);
    CHECK(ioctl(slave, TIOCSETD, &discipline) == 0);
    int file = open("/dev/null", O_RDWR);
    CHECK_ERRNO(ioctl(file, TCGETS, &s), ENOTTY);
    CHECK_ERRNO(ioctl(slave, 0x54ff, &s), ENOTTY);
    CHECK_ERRNO(ioctl(slave, TIOCMGET, &local), ENOTTY);
    unsigned device = 0;
    struct stat st;
    CHECK(ioctl(slave, TIOCGDEV, &device) == 0 && fstat(slave, &st) == 0 && device == (unsigned)st.st_rdev);
}

TEST(two_programs_on_one_terminal) {
    open_pair();
    pid_t child = fork();
    if (child == 0) {
        char buffer[16];
        int n = read(slave, buffer, 16);
        _exit(n == 4 && memcmp(buffer, "one\n", 4) == 0 ? 0 : 1);
    }
    usleep(10000);
    type("one\n");
    int status;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
    CHECK(gives(master, "one\r\n"));
}
