// SPDX-License-Identifier: MIT
// Clock, date, symbols, trace ring and extended state of the running machine.
#include <cstring>
#include <new>

#include <arch/context.h>
#include <arch/cpu.h>
#include <arch/interrupts.h>
#include <arch/time.h>
#include <base/trace.h>

#include "kernel/base/symbols.h"
#include "kernel/trace/trace.h"
#include "tests/selftest/self_test.h"

SELF_TEST_ON_ALL_CPUS(clock_never_goes_back) {
    u64 previous = arch::clock_ns();
    for (int i = 0; i < 100'000; ++i) {
        u64 const now = arch::clock_ns();
        REQUIRE(now >= previous);
        previous = now;
    }
}

SELF_TEST(delay_takes_as_long_as_it_says) {
    u64 const start = arch::clock_ns();
    arch::delay_us(2000);
    u64 const taken = arch::clock_ns() - start;
    CHECK(taken >= 1'900'000);
    CHECK(taken < ns_per_s);
}

SELF_TEST(real_time_clock_is_plausible) {
    constexpr u64 start_of_2020 = 1577836800, start_of_2100 = 4102444800;
    u64 const now = arch::read_rtc_seconds();
    if (now == 0) return;   // a machine without one
    CHECK(now > start_of_2020);
    CHECK(now < start_of_2100);
}

SELF_TEST(symbols_name_functions) {
    u64 const address = reinterpret_cast<u64>(&base::find_symbol);
    base::Symbol const symbol = base::find_symbol(address);
    CHECK(symbol.name == "base::find_symbol");
    CHECK(symbol.offset == 0);
    CHECK(base::find_symbol(address + 1).offset == 1);
    CHECK(base::find_symbol(0x1000).name.empty());
}

SELF_TEST(trace_keeps_the_newest_events) {
    arch::InterruptGuard guard;
    for (u64 i = 0; i < 300; ++i) TRACE_EVENT(Exec, i, i * 2);
    trace::Record records[4];
    REQUIRE(trace::last_records(records) == 4);
    for (u64 i = 0; i < 4; ++i) {
        CHECK(records[i].event == trace::Event::Exec);
        CHECK(records[i].first == 296 + i && records[i].second == 2 * (296 + i));
    }
    CHECK(records[0].nanoseconds <= records[3].nanoseconds);
}

SELF_TEST(extended_state_from_a_program_is_checked) {
    // The largest state there is, with a header as XSAVE has it (SDM vol. 1, 13.4).
    alignas(64) static u8 bytes[12 * kib];
    REQUIRE(arch::fpu_area_size() <= sizeof bytes);
    auto* const area = reinterpret_cast<arch::FpuArea*>(bytes);
    arch::fpu_initialize(area);
    CHECK(arch::fpu_sanitize(area));
    u32 mxcsr = 0xffffffff;
    memcpy(bytes + 24, &mxcsr, sizeof mxcsr);
    CHECK(!arch::fpu_sanitize(area));
    arch::fpu_initialize(area);
    if (!arch::cpu_features.xsave) return;
    for (size_t const header_byte : {size_t{512 + 7}, size_t{520}, size_t{528}, size_t{575}}) {
        arch::fpu_initialize(area);
        bytes[header_byte] = 0x80;
        CHECK(!arch::fpu_sanitize(area));
    }
}
