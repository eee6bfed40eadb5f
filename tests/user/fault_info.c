// SPDX-License-Identifier: MIT
// What a handler is told of a fault: siginfo, and the trap number, error code and address in its context.
#include <ucontext.h>

#include "test.h"

enum { ERROR_CODE = 19, TRAP_NUMBER = 20, OLD_MASK = 21, FAULT_ADDRESS = 22 };      // of gregs, <sys/ucontext.h>

static char const* place;
static void tell(int number, siginfo_t* info, void* context) {
    ucontext_t* const at = context;
    greg_t const* const registers = at->uc_mcontext.gregs;
    int const has_address = number == SIGSEGV || number == SIGBUS;
    say("%s: signal %d code %d address %lx trap %lld error %llx cr2 %llx\n", place, number, info->si_code,
        has_address ? (unsigned long)info->si_addr : 0, registers[TRAP_NUMBER], registers[ERROR_CODE],
        registers[TRAP_NUMBER] == 14 ? registers[FAULT_ADDRESS] : 0);
    _exit(0);
}

static void in_handler_of_all(char const* what, void (*body)(void)) {
    place = what;
    pid_t const child = fork();
    if (child == 0) {
        struct sigaction action = {.sa_sigaction = tell, .sa_flags = SA_SIGINFO};
        for (int i = 1; i < 32; ++i) sigaction(i, &action, NULL);
        body();
        say("%s: nothing\n", what);
        _exit(0);
    }
    CHECK(ended_with(wait_for(child), 0));
}

static char* const readable = (char*)0x640000000000;
static char* const closed = (char*)0x640000100000;
static char* const end_of_file = (char*)0x640000200000;

static void read_null(void) { *(volatile int*)0; }
static void write_near_null(void) { *(volatile int*)16 = 1; }
static void read_unmapped(void) { *(volatile char*)0x650000000123; }
static void write_untouched(void) { ((volatile char*)readable)[5] = 1; }
static void write_touched(void) {
    ((volatile char*)readable)[5];
    ((volatile char*)readable)[5] = 1;
}
static void read_closed(void) { *(volatile char*)closed; }
static void execute_data(void) { ((void (*)(void))readable)(); }
static void execute_unmapped(void) { ((void (*)(void))0x650000000000)(); }
static void execute_closed(void) { ((void (*)(void))closed)(); }
static void write_past_end(void) { ((volatile char*)end_of_file)[PAGE] = 1; }
static void read_past_end(void) { ((volatile char*)end_of_file)[PAGE + 4]; }
static void read_noncanonical(void) { *(volatile char*)0x8000000000000000; }
static void write_kernel(void) { *(volatile char*)0xffffffff80000000 = 1; }
static void read_kernel(void) { *(volatile char*)0xffff888000000000; }

TEST(memory) {
    REQUIRE(mmap(readable, 2 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == readable);
    REQUIRE(mmap(closed, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == closed);
    int const file = open("fault_info.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
    REQUIRE(file >= 0 && write(file, "x", 1) == 1);
    unlink("fault_info.file");
    REQUIRE(mmap(end_of_file, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == end_of_file);
    in_handler_of_all("null", read_null);
    in_handler_of_all("near null, write", write_near_null);
    in_handler_of_all("unmapped", read_unmapped);
    in_handler_of_all("read-only, untouched", write_untouched);
    in_handler_of_all("read-only, touched", write_touched);
    in_handler_of_all("no rights", read_closed);
    in_handler_of_all("data executed", execute_data);
    in_handler_of_all("nothing executed", execute_unmapped);
    in_handler_of_all("no rights, executed", execute_closed);
    in_handler_of_all("past the end, write", write_past_end);
    in_handler_of_all("past the end", read_past_end);
    in_handler_of_all("not canonical", read_noncanonical);
    in_handler_of_all("the kernel's, write", write_kernel);
    in_handler_of_all("the kernel's", read_kernel);
}

static void divide(void) { __asm__ volatile("xor %%ecx, %%ecx; mov $1, %%eax; cltd; idiv %%ecx" : : : "eax", "ecx", "edx"); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breakpoint(void) { __asm__ volatile("int3"); }
static void disable_interrupts(void) { __asm__ volatile("cli"); }
static void misaligned(void) {
    static char bytes[64] __attribute__((aligned(16)));
    __asm__ volatile("movaps %0, %%xmm0" : : "m"(bytes[1]));
}

TEST(instructions) {
    in_handler_of_all("division", divide);
    in_handler_of_all("ud2", undefined);
    in_handler_of_all("int3", breakpoint);
    in_handler_of_all("cli", disable_interrupts);
    in_handler_of_all("movaps", misaligned);
}

/// The x87 with all its exceptions on but those in `masked`.
static void set_control(unsigned short masked) {
    unsigned short const control = (unsigned short)(0x0340 | masked);
    __asm__ volatile("fninit; fldcw %0" : : "m"(control));
}
static void x87_divide(void) { set_control(0); __asm__ volatile("fld1; fldz; fdivrp; fwait"); }
static void x87_invalid(void) { set_control(0); __asm__ volatile("fldz; fldz; fdivrp; fwait"); }
static void x87_overflow(void) {
    static long double const huge = 1e4000L;
    set_control(0x20); __asm__ volatile("fldt %0; fldt %0; fmulp; fwait" : : "m"(huge));
}
static void x87_masked(void) { set_control(0x3f); __asm__ volatile("fld1; fldz; fdivrp; fwait"); }

TEST(numbers) {
    in_handler_of_all("1 / 0", x87_divide);
    in_handler_of_all("0 / 0", x87_invalid);
    in_handler_of_all("1e4000 * 1e4000", x87_overflow);
    in_handler_of_all("1 / 0, masked", x87_masked);
}

static volatile long long seen_mask, seen_trap;
static void look(int number, siginfo_t* info, void* context) {
    (void)number, (void)info;
    ucontext_t* const at = context;
    seen_mask = at->uc_mcontext.gregs[OLD_MASK];
    seen_trap = at->uc_mcontext.gregs[TRAP_NUMBER];
}

/// Of a signal that no fault sent: the mask, and the last fault there was.
TEST(without_a_fault) {
    struct sigaction action = {.sa_sigaction = look, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    raise(SIGUSR1);
    say("mask %llx\n", seen_mask);
    SHOW(seen_trap);
}

static void return_to_nowhere(int number, siginfo_t* info, void* context) {
    (void)number, (void)info;
    ucontext_t* const at = context;
    memset(&at->uc_sigmask, 0xff, 8);
    at->uc_mcontext.fpregs = (void*)1;
}
static void caught(int number) { (void)number, say("caught\n"), _exit(0); }

/// rt_sigreturn takes the mask first: a fault in the rest of the frame is blocked then, and ends the process.
static void return_with(unsigned char unused) {
    (void)unused;
    struct sigaction action = {.sa_sigaction = return_to_nowhere, .sa_flags = SA_SIGINFO};
    sigaction(SIGUSR1, &action, NULL);
    signal(SIGSEGV, caught);
    raise(SIGUSR1);
}
static void return_blocked(void) { return_with(0xff); }
TEST(return_takes_the_mask_first) { CHECK(killed_by(in_child(return_blocked), SIGSEGV)); }

TEST(alternate_stacks_that_are_too_small) {
    static char room[8192];
    stack_t stack = {.ss_sp = room, .ss_size = 2047};
    CHECK_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
    stack.ss_size = 1;
    CHECK_ERRNO(syscall(SYS_sigaltstack, &stack, NULL), ENOMEM);
    stack.ss_size = sizeof room;
    CHECK(syscall(SYS_sigaltstack, &stack, NULL) == 0);
}
