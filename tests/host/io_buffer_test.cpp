// SPDX-License-Identifier: MIT
// IoBuffer and user strings over a program's memory that is an array here: what lies outside it faults,
// so a copy across its end must count what came before.
// sources: mm/user/io_buffer.cpp mm/user/user_access.cpp
#include <cstring>
#include <random>
#include <string>

#include "mm/user/user_access.h"

namespace {

constexpr u64 memory_start = 0x10000, memory_size = 4096;
std::array<char, memory_size> memory;

/// How many of `bytes` at `address` are there.
size_t reachable(UserAddr address, size_t bytes) {
    u64 const at = address.value();
    if (at < memory_start || at >= memory_start + memory_size) return 0;
    return std::min<u64>(bytes, memory_start + memory_size - at);
}
char* pointer(UserAddr address) { return memory.data() + (address.value() - memory_start); }

}

namespace arch {

size_t copy_from_user(void* to, UserAddr from, size_t bytes) {
    size_t const there = reachable(from, bytes);
    if (there) std::memcpy(to, pointer(from), there);
    return bytes - there;
}
size_t copy_to_user(UserAddr to, void const* from, size_t bytes) {
    size_t const there = reachable(to, bytes);
    if (there) std::memcpy(pointer(to), from, there);
    return bytes - there;
}
size_t clear_user(UserAddr to, size_t bytes) {
    size_t const there = reachable(to, bytes);
    if (there) std::memset(pointer(to), 0, there);
    return bytes - there;
}
i64 copy_string_from_user(char* to, UserAddr from, size_t limit) {
    for (size_t i = 0; i < limit; ++i) {
        if (reachable(from + i, 1) == 0) return -1;
        to[i] = *pointer(from + i);
        if (to[i] == 0) return static_cast<i64>(i);
    }
    return static_cast<i64>(limit);
}

}

namespace {

using mm::IoBuffer;
using mm::Segment;

std::string_view text(size_t offset, size_t size) { return {memory.data() + offset, size}; }

TEST(IoBuffer, KeepsItsPositionAcrossSegments) {
    memory.fill('.');
    Segment const segments[] = {{memory_start, 3}, {0, 0}, {memory_start + 10, 2}, {memory_start + 20, 5}};
    IoBuffer buffer = IoBuffer::user(segments);
    EXPECT_EQ(buffer.remaining(), 10u);
    EXPECT_EQ(*buffer.copy_out("ab", 2), 2u);
    EXPECT_EQ(*buffer.copy_out("cdef", 4), 4u);
    EXPECT_EQ(buffer.remaining(), 4u);
    EXPECT_EQ(*buffer.copy_out("ghijklm", 7), 4u);
    EXPECT_EQ(*buffer.copy_out("x", 1), 0u);
    EXPECT_EQ(text(0, 4), "abc.");
    EXPECT_EQ(text(10, 3), "de.");
    EXPECT_EQ(text(20, 6), "fghij.");
}

TEST(IoBuffer, CopiesInWhatItCopiedOut) {
    Segment const segments[] = {{memory_start + 7, 1}, {memory_start + 100, 1000}, {memory_start + 9, 0}, {memory_start + 2000, 500}};
    std::mt19937 random(5);
    std::string sent(1501, ' ');
    for (char& c : sent) c = static_cast<char>('a' + random() % 26);
    IoBuffer out = IoBuffer::user(segments), in = IoBuffer::user(segments);
    std::string received(sent.size(), ' ');
    for (size_t done = 0; done < sent.size();) done += *out.copy_out(sent.data() + done, 1 + random() % 300 % (sent.size() - done));
    for (size_t done = 0; done < sent.size();) done += *in.copy_in(received.data() + done, 1 + random() % 300 % (sent.size() - done));
    EXPECT_EQ(sent, received);
}

TEST(IoBuffer, AFaultAfterSomeBytesCountsThem) {
    char bytes[64] = {};
    IoBuffer end = IoBuffer::user(UserAddr(memory_start + memory_size - 10), 64);
    EXPECT_EQ(*end.copy_out(bytes, 64), 10u);
    EXPECT_EQ(end.remaining(), 54u);
    EXPECT_EQ(end.copy_out(bytes, 54).error().value, EFAULT);
    EXPECT_EQ(end.remaining(), 54u);
    Segment const segments[] = {{memory_start, 4}, {8, 4}};
    IoBuffer second = IoBuffer::user(segments);
    EXPECT_EQ(*second.copy_in(bytes, 8), 4u);
    EXPECT_EQ(second.copy_in(bytes, 4).error().value, EFAULT);
    EXPECT_EQ(IoBuffer::user(UserAddr(0), 1).fill_zero(1).error().value, EFAULT);
    EXPECT_EQ(*IoBuffer::user(UserAddr(0), 1).fill_zero(0), 0u);
}

TEST(IoBuffer, KernelMemoryAndZeros) {
    char bytes[8] = {'1', '2', '3', '4', '5', '6', '7', '8'}, copy[8] = {};
    IoBuffer kernel = IoBuffer::kernel(bytes, sizeof bytes);
    EXPECT_EQ(*kernel.fill_zero(2), 2u);
    kernel.skip(2);
    EXPECT_EQ(*kernel.copy_in(copy, 2), 2u);
    EXPECT_EQ(std::string_view(copy, 2), "56");
    EXPECT_EQ(*kernel.fill_zero(100), 2u);
    EXPECT_EQ(std::string_view(bytes, 8), std::string_view("\0\0003456\0\0", 8));
}

TEST(IoBuffer, ASumBeyondTheLargestNumberIsNotShort) {
    Segment const segments[] = {{memory_start, ~u64{0}}, {memory_start, 2}};
    EXPECT_EQ(IoBuffer::user(segments).remaining(), ~u64{0});
}

TEST(UserString, FitsOrSaysThatItIsTooLong) {
    memory.fill('.');
    std::memcpy(memory.data(), "hello", 6);
    char buffer[6];
    EXPECT_EQ(*mm::read_user_string(UserAddr(memory_start), buffer, ENAMETOOLONG), "hello");
    EXPECT_EQ(*mm::read_user_string(UserAddr(memory_start + 5), buffer, ENAMETOOLONG), "");
    EXPECT_EQ(mm::read_user_string(UserAddr(memory_start), std::span(buffer).first(5), ENAMETOOLONG).error().value, ENAMETOOLONG);
    EXPECT_EQ(mm::read_user_string(UserAddr(memory_start + memory_size - 3), buffer, E2BIG).error().value, EFAULT);
    EXPECT_EQ(mm::read_user_string(UserAddr(0), buffer, E2BIG).error().value, EFAULT);
}

}
