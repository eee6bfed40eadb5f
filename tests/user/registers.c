// SPDX-License-Identifier: MIT
// General, SSE and AVX registers belong to the process: they survive preemption by others
// that use the same ones, system calls, signals and fork.
// timeout: 60
#include "test.h"

#include <cpuid.h>

static int has_avx(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE) || !(c & bit_AVX)) return 0;
    unsigned low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 6) == 6;
}

/// Fills xmm0-15 with `seed`, spins, compares; nonzero if any changed.
static unsigned sse_round(unsigned long seed, long spins) {
    unsigned different;
    asm volatile(
        "movq %1, %%xmm0; punpcklqdq %%xmm0, %%xmm0\n"
        "movdqa %%xmm0, %%xmm1; movdqa %%xmm0, %%xmm2; movdqa %%xmm0, %%xmm3; movdqa %%xmm0, %%xmm4; movdqa %%xmm0, %%xmm5\n"
        "movdqa %%xmm0, %%xmm6; movdqa %%xmm0, %%xmm7; movdqa %%xmm0, %%xmm8; movdqa %%xmm0, %%xmm9; movdqa %%xmm0, %%xmm10\n"
        "movdqa %%xmm0, %%xmm11; movdqa %%xmm0, %%xmm12; movdqa %%xmm0, %%xmm13; movdqa %%xmm0, %%xmm14; movdqa %%xmm0, %%xmm15\n"
        "1: decq %2; jnz 1b\n"
        "movq %1, %%rax; movq %%rax, %%xmm0; punpcklqdq %%xmm0, %%xmm0\n"
        "pxor %%xmm0, %%xmm1; pxor %%xmm0, %%xmm2; pxor %%xmm0, %%xmm3; pxor %%xmm0, %%xmm4; pxor %%xmm0, %%xmm5\n"
        "pxor %%xmm0, %%xmm6; pxor %%xmm0, %%xmm7; pxor %%xmm0, %%xmm8; pxor %%xmm0, %%xmm9; pxor %%xmm0, %%xmm10\n"
        "pxor %%xmm0, %%xmm11; pxor %%xmm0, %%xmm12; pxor %%xmm0, %%xmm13; pxor %%xmm0, %%xmm14; pxor %%xmm0, %%xmm15\n"
        "por %%xmm2, %%xmm1; por %%xmm3, %%xmm1; por %%xmm4, %%xmm1; por %%xmm5, %%xmm1; por %%xmm6, %%xmm1; por %%xmm7, %%xmm1\n"
        "por %%xmm8, %%xmm1; por %%xmm9, %%xmm1; por %%xmm10, %%xmm1; por %%xmm11, %%xmm1; por %%xmm12, %%xmm1; por %%xmm13, %%xmm1\n"
        "por %%xmm14, %%xmm1; por %%xmm15, %%xmm1\n"
        "pxor %%xmm2, %%xmm2; pcmpeqb %%xmm2, %%xmm1; pmovmskb %%xmm1, %0; xorl $0xffff, %0\n"
        : "=r"(different), "+r"(seed), "+r"(spins) : : "rax", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "cc");
    return different;
}

__attribute__((target("avx"))) static unsigned avx_round(unsigned long seed, long spins) {
    unsigned same;
    unsigned long parts[4] = {seed, ~seed, seed * 3, seed * 5}, upper[4];
    asm volatile(
        "vmovdqu (%1), %%ymm5; vmovdqu (%1), %%ymm14\n"
        "1: decq %2; jnz 1b\n"
        "vmovdqu %%ymm14, (%3)\n"
        "vmovdqu (%1), %%ymm0; vxorps %%ymm5, %%ymm0, %%ymm0; vptest %%ymm0, %%ymm0; sete %b0; movzbl %b0, %0; vzeroupper\n"
        : "=&q"(same), "+r"((unsigned long*){parts}), "+r"(spins) : "r"(upper), "m"(parts)
        : "xmm0", "xmm5", "xmm14", "memory", "cc");
    return !same || memcmp(parts, upper, sizeof parts);
}

static void compete(unsigned (*round_of)(unsigned long, long)) {
    enum { RIVALS = 4 };
    pid_t children[RIVALS];
    for (int i = 0; i < RIVALS; ++i)
        if ((children[i] = fork()) == 0) {
            long end = now_ms() + 500;
            for (unsigned long n = 1; now_ms() < end; ++n)
                if (round_of(n * 0x9e3779b97f4a7c15 + i, 20000)) _exit(1);
            _exit(0);
        }
    for (int i = 0; i < RIVALS; ++i) CHECK(ended_with(wait_for(children[i]), 0));
}

TEST(sse_survives_preemption) { compete(sse_round); }

TEST(avx_survives_preemption) {
    if (has_avx()) compete(avx_round);
}

TEST(floating_point_survives_preemption) {
    pid_t children[3];
    for (int i = 0; i < 3; ++i)
        if ((children[i] = fork()) == 0) {
            volatile double x = 1.0 + i;
            double sum = 0;
            long double deep = 0;
            for (int n = 1; n < 400000; ++n) {
                sum += x / n;
                deep += (long double)x / n;
            }
            double check = (double)deep - sum;
            _exit(!(check < 1e-6 && check > -1e-6 && sum / x > 13.47 && sum / x < 13.48));
        }
    for (int i = 0; i < 3; ++i) CHECK(ended_with(wait_for(children[i]), 0));
}

static volatile int handled;
static void spoil(int number) {
    (void)number;
    asm volatile("pcmpeqb %%xmm0, %%xmm0; pcmpeqb %%xmm7, %%xmm7; pcmpeqb %%xmm15, %%xmm15; fldz; fldz" : : : "xmm0", "xmm7", "xmm15");
    handled++;
}

/// A handler that uses the wide registers itself.
__attribute__((target("avx"))) static void spoil_wide(int number) {
    asm volatile("vpcmpeqb %%xmm5, %%xmm5, %%xmm5; vinsertf128 $1, %%xmm5, %%ymm5, %%ymm5; vmovaps %%ymm5, %%ymm14" : : : "xmm5", "xmm14");
    spoil(number);
}

static void survive_signals(void (*handler)(int), unsigned (*round_of)(unsigned long, long)) {
    handled = 0;
    signal(SIGUSR1, handler);
    pid_t parent = getpid(), child = fork();
    if (child == 0) {
        while (getppid() == parent) {
            sleep_ms(5);
            kill(parent, SIGUSR1);
        }
        _exit(0);
    }
    for (unsigned long n = 1; handled < 10 && n < 10000000; ++n) REQUIRE(round_of(n, 5000) == 0);
    CHECK(handled >= 10);
    kill(child, SIGKILL);
    wait_for(child);
}

TEST(sse_survives_signals) { survive_signals(spoil, sse_round); }

TEST(avx_survives_signals) {
    if (has_avx()) survive_signals(spoil_wide, avx_round);
}

TEST(fork_copies_registers) {
    unsigned long got;
    long pid;
    asm volatile("movq %2, %%xmm9; movl $57, %%eax; syscall; movq %%rax, %1; movq %%xmm9, %0"
                 : "=r"(got), "=r"(pid) : "r"(0x1122334455667788) : "rax", "rcx", "r11", "xmm9", "memory");
    if (pid == 0) _exit(got != 0x1122334455667788);
    CHECK(got == 0x1122334455667788);
    CHECK(ended_with(wait_for(pid), 0));
}

TEST(rounding_mode_belongs_to_the_process) {
    unsigned own = 0x7f80, seen;   // round toward zero
    asm volatile("ldmxcsr %0" : : "m"(own));
    pid_t child = fork();
    if (child == 0) {
        asm volatile("stmxcsr %0" : "=m"(seen));
        unsigned other = 0x1f80;
        asm volatile("ldmxcsr %0" : : "m"(other));
        sleep_ms(5);
        _exit((seen & 0x6000) != 0x6000);
    }
    CHECK(ended_with(wait_for(child), 0));
    asm volatile("stmxcsr %0" : "=m"(seen));
    CHECK((seen & 0x6000) == 0x6000);
}

TEST(a_system_call_keeps_registers) {
    unsigned long bad;
    asm volatile(
        "movq $1, %%rbx; movq $2, %%rdx; movq $3, %%rsi; movq $4, %%rdi; movq $5, %%r8; movq $6, %%r9; movq $7, %%r10; movq $8, %%r12\n"
        "movq $9, %%r13; movq $10, %%r14; movq $11, %%r15; movl $110, %%eax; syscall\n"
        "xorq $1, %%rbx; xorq $2, %%rdx; xorq $3, %%rsi; xorq $4, %%rdi; xorq $5, %%r8; xorq $6, %%r9; xorq $7, %%r10; xorq $8, %%r12\n"
        "xorq $9, %%r13; xorq $10, %%r14; xorq $11, %%r15\n"
        "orq %%rdx, %%rbx; orq %%rsi, %%rbx; orq %%rdi, %%rbx; orq %%r8, %%rbx; orq %%r9, %%rbx; orq %%r10, %%rbx; orq %%r12, %%rbx\n"
        "orq %%r13, %%rbx; orq %%r14, %%rbx; orq %%r15, %%rbx; movq %%rbx, %0"
        : "=r"(bad) : : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "memory");
    SHOW(bad);
}

TEST(segment_bases_belong_to_the_process) {
    unsigned long before, after = 0;
    CHECK(syscall(SYS_arch_prctl, 0x1003, &before) == 0);   // ARCH_GET_FS
    CHECK(before != 0);
    CHECK(syscall(SYS_arch_prctl, 0x1001, 0x123456789000) == 0);   // ARCH_SET_GS
    pid_t child = fork();
    if (child == 0) {
        CHECK(syscall(SYS_arch_prctl, 0x1004, &after) == 0 && after == 0x123456789000);
        CHECK(syscall(SYS_arch_prctl, 0x1001, 0x1000) == 0);
        _exit(failures);
    }
    CHECK(ended_with(wait_for(child), 0));
    CHECK(syscall(SYS_arch_prctl, 0x1004, &after) == 0 && after == 0x123456789000);
    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x1001, 0xffff800000000000), EPERM);
    CHECK_ERRNO(syscall(SYS_arch_prctl, 0x9999, 0), EINVAL);
}
