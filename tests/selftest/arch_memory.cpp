// SPDX-License-Identifier: MIT
// The memory functions of kernel/base/runtime.cpp against plain byte loops, for every small
// size, alignment and overlap, and around the size where they change their method.
#include <cstring>

#include <arch/paging.h>
#include <arch/user_access.h>

#include "tests/selftest/self_test.h"

namespace {

constexpr size_t area = 512;

struct Buffers {
    u8 actual[area], expected[area];
    void fill() {
        for (size_t i = 0; i < area; ++i) actual[i] = expected[i] = static_cast<u8>(i * 7 + 3);
    }
    bool same() const {
        for (size_t i = 0; i < area; ++i)
            if (actual[i] != expected[i]) return false;
        return true;
    }
};

/// A byte loop that the compiler must not turn into a call of what is being tested.
void move_bytes(u8 volatile* to, u8 const volatile* from, size_t size) {
    if (to < from) for (size_t i = 0; i < size; ++i) to[i] = from[i];
    else for (size_t i = size; i-- > 0;) to[i] = from[i];
}

size_t const sizes[] = {0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 33, 63, 64, 65, 120, 127, 128, 129, 130, 160, 200};

}

SELF_TEST(memmove_with_every_overlap) {
    Buffers b;
    for (size_t const size : sizes)
        for (size_t from = 0; from < 40; from += 3)
            for (size_t to = 0; to < 40; to += 1) {
                b.fill();
                memmove(b.actual + to, b.actual + from, size);
                move_bytes(b.expected + to, b.expected + from, size);
                REQUIRE(b.same());
            }
}

SELF_TEST(memcpy_and_memset_touch_their_range_only) {
    Buffers b;
    for (size_t const size : sizes)
        for (size_t offset = 0; offset < 9; ++offset) {
            b.fill();
            memcpy(b.actual + offset, b.actual + 256, size);
            move_bytes(b.expected + offset, b.expected + 256, size);
            REQUIRE(b.same());
            memset(b.actual + offset, 0x1a5, size);
            for (size_t i = 0; i < size; ++i) *const_cast<u8 volatile*>(&b.expected[offset + i]) = 0xa5;
            REQUIRE(b.same());
        }
}

SELF_TEST(memcmp_finds_each_difference) {
    Buffers b;
    for (size_t const size : sizes) {
        b.fill();
        CHECK(memcmp(b.actual, b.expected, size) == 0);
        for (size_t at = 0; at < size; ++at) {
            b.fill();
            b.actual[at] ^= 0x80;
            int const order = b.actual[at] < b.expected[at] ? -1 : 1;
            int const result = memcmp(b.actual, b.expected, size);
            REQUIRE((result < 0) == (order < 0) && result != 0);
        }
    }
}

SELF_TEST(user_access_refuses_kernel_addresses) {
    u8 byte = 1;
    u32 word = 7;
    CHECK(arch::copy_from_user(&byte, UserAddr(reinterpret_cast<u64>(&byte)), 1) == 1);
    CHECK(arch::copy_to_user(UserAddr(arch::direct_map_base), &byte, 1) == 1);
    CHECK(arch::clear_user(UserAddr(~u64{0} - 3), 8) == 8);
    CHECK(arch::copy_from_user(&byte, UserAddr(arch::user_space_end), 1) == 1);
    CHECK(arch::copy_string_from_user(reinterpret_cast<char*>(&byte), UserAddr(arch::kernel_space_base), 1) == -1);
    CHECK(!arch::read_user_u32(UserAddr(arch::user_space_end - 2), word));
    CHECK(!arch::write_user_u32(UserAddr(0x8000'0000'0000), word));
    CHECK(byte == 1 && word == 7);
}
