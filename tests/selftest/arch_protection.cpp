// SPDX-License-Identifier: MIT
// What the CPU must refuse the kernel itself. The copy routine for user memory survives any
// fault through the exception table, so here it touches kernel addresses on purpose.
#include <arch/cpu.h>
#include <arch/image.h>

#include "tests/selftest/self_test.h"

extern "C" size_t user_copy(void* to, void const* from, size_t bytes);
extern "C" char const boot_stack_guard[], rodata_start[], text_start[];

namespace {

u64 read_cr0() { u64 v; asm volatile("movq %%cr0, %0" : "=r"(v)); return v; }
u64 read_cr4() { u64 v; asm volatile("movq %%cr4, %0" : "=r"(v)); return v; }
u64 read_flags() { u64 v; asm volatile("pushfq; popq %0" : "=r"(v)); return v; }

constinit u64 variable = 42;

bool can_read(void const* from) {
    u64 value;
    return user_copy(&value, from, sizeof value) == 0;
}

/// Writes back what is there, so that a missing protection does no harm.
bool can_write(void* to) {
    u64 value;
    return user_copy(&value, to, sizeof value) == 0 && user_copy(to, &value, sizeof value) == 0;
}

}

SELF_TEST(protection_bits_are_on) {
    auto const& f = arch::cpu_features;
    CHECK(read_cr0() >> 16 & 1);                         // WP
    CHECK((read_cr4() >> 20 & 1) == f.smep);
    CHECK((read_cr4() >> 21 & 1) == f.smap);
    CHECK((read_cr4() >> 11 & 1) == f.umip);
    CHECK(!(read_flags() >> 18 & 1));                    // AC: SMAP is closed
}

SELF_TEST(image_rights_are_exact) {
    CHECK(can_read(text_start) && !can_write(const_cast<char*>(text_start)));
    CHECK(can_read(rodata_start) && !can_write(const_cast<char*>(rodata_start)));
    CHECK(can_write(&variable) && variable == 42);
    for (auto const& segment : arch::image_segments()) CHECK(!(segment.flags.writable && segment.flags.executable));
}

SELF_TEST(guard_pages_and_low_addresses_are_not_mapped) {
    CHECK(!can_read(boot_stack_guard));
    CHECK(!can_read(boot_stack_guard + page_size - 8));
    CHECK(!can_read(reinterpret_cast<void const*>(0x1000)));
    CHECK(!can_read(reinterpret_cast<void const*>(arch::kernel_image_base)));
}

SELF_TEST(user_copy_counts_what_it_left) {
    // The guard page follows what is below it in the image, which is mapped.
    auto const* const end = boot_stack_guard;
    u8 bytes[64];
    for (size_t left = 0; left <= 40; ++left)
        REQUIRE(user_copy(bytes, end - (sizeof bytes - left), sizeof bytes) == left);
}
