// SPDX-License-Identifier: MIT
// What the compiler and the library's headers call: memory functions and abort paths. Small copies use overlapping
// words; large ones use one REP MOVSQ (never MOVSB, which an emulator steps byte by byte).
#include <cstddef>
#include <cstring>
#include <new>

#include <base/panic.h>
#include <base/types.h>

namespace {

constexpr size_t string_instruction_pays_from = 128;

// Unaligned words that may alias anything.
using Word = u64 __attribute__((aligned(1), may_alias));
using Half = u32 __attribute__((aligned(1), may_alias));
using Quarter = u16 __attribute__((aligned(1), may_alias));

Word& word(void* p, size_t offset) { return *reinterpret_cast<Word*>(static_cast<u8*>(p) + offset); }
Word word(void const* p, size_t offset) { return *reinterpret_cast<Word const*>(static_cast<u8 const*>(p) + offset); }

/// Moves up to 16 bytes, all read before any is written: correct for overlaps too.
[[gnu::always_inline]] inline void move_small(void* to, void const* from, size_t n) {
    if (n >= 8) {
        Word const first = word(from, 0), last = word(from, n - 8);
        word(to, 0) = first, word(to, n - 8) = last;
    } else if (n >= 4) {
        auto* const out = static_cast<u8*>(to);
        auto const* const in = static_cast<u8 const*>(from);
        Half const first = *reinterpret_cast<Half const*>(in), last = *reinterpret_cast<Half const*>(in + n - 4);
        *reinterpret_cast<Half*>(out) = first, *reinterpret_cast<Half*>(out + n - 4) = last;
    } else if (n != 0) {
        auto* const out = static_cast<u8*>(to);
        auto const* const in = static_cast<u8 const*>(from);
        u8 const first = in[0], middle = in[n / 2], last = in[n - 1];
        out[0] = first, out[n / 2] = middle, out[n - 1] = last;
    }
}

}

extern "C" {

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memcpy(void* __restrict to, void const* __restrict from, size_t n) {
    if (n <= 16) {
        move_small(to, from, n);
        return to;
    }
    Word const last = word(from, n - 8);
    size_t const tail = n - 8;
    if (n < string_instruction_pays_from) {
        for (size_t i = 0; i < tail; i += 8) word(to, i) = word(from, i);
    } else {
        void* destination = to;
        size_t words = n / 8;
        asm volatile("rep movsq" : "+D"(destination), "+S"(from), "+c"(words) : : "memory");
    }
    word(to, tail) = last;
    return to;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memmove(void* to, void const* from, size_t n) {
    if (n <= 16) {
        move_small(to, from, n);
        return to;
    }
    u64 const distance = reinterpret_cast<u64>(to) - reinterpret_cast<u64>(from);
    if (distance >= n) {                       // `to` is not inside `from`: copying upwards is correct
        Word const last = word(from, n - 8);
        size_t i = 0;
        if (0 - distance >= n) return memcpy(to, from, n);
        for (; i + 8 < n; i += 8) word(to, i) = word(from, i);
        word(to, n - 8) = last;
        return to;
    }
    Word const first = word(from, 0);
    for (size_t i = n; i > 8; i -= 8) word(to, i - 8) = word(from, i - 8);
    word(to, 0) = first;
    return to;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] void* memset(void* to, int value, size_t n) {
    u64 const pattern = 0x0101010101010101u * static_cast<u8>(value);
    if (n < 8) {
        auto* const out = static_cast<u8 volatile*>(to);
        for (size_t i = 0; i < n; ++i) out[i] = static_cast<u8>(value);
        return to;
    }
    if (n < string_instruction_pays_from) {
        for (size_t i = 0; i + 8 < n; i += 8) word(to, i) = pattern;
    } else {
        void* destination = to;
        size_t words = n / 8;
        asm volatile("rep stosq" : "+D"(destination), "+c"(words) : "a"(pattern) : "memory");
    }
    word(to, n - 8) = pattern;
    return to;
}

int memcmp(void const* a, void const* b, size_t n) {
    auto const* x = static_cast<u8 const*>(a);
    auto const* y = static_cast<u8 const*>(b);
    for (; n >= 8 && word(x, 0) == word(y, 0); n -= 8) x += 8, y += 8;
    for (; n != 0; --n, ++x, ++y)
        if (*x != *y) return *x < *y ? -1 : 1;
    return 0;
}

[[gnu::optimize("no-tree-loop-distribute-patterns")]] size_t strlen(char const* text) {
    size_t n = 0;
    while (text[n]) ++n;
    return n;
}

// <cstring> declares memchr as two overloads, so it is defined here under another name.
void* find_byte(void const* memory, int value, size_t n) asm("memchr");
void* find_byte(void const* memory, int value, size_t n) {
    auto const* p = static_cast<u8 const*>(memory);
    for (; n != 0; --n, ++p)
        if (*p == static_cast<u8>(value)) return const_cast<u8*>(p);
    return nullptr;
}

/// Called by assert() in library headers (Boost's containers).
[[noreturn]] void __assert_fail(char const* condition, char const*, unsigned, char const*) noexcept { base::panic(condition); }
[[noreturn]] void abort() { base::panic("abort() called"); }
[[noreturn]] void __cxa_pure_virtual() { base::panic("a pure virtual function was called"); }
void* __dso_handle = nullptr;

}

namespace std {

constinit nothrow_t const nothrow{};

[[noreturn]] void __glibcxx_assert_fail(char const* file, int line, char const*, char const* condition) noexcept {
    char text[200];
    base::BufferWriter out({text, sizeof text - 1});
    base::format_to(out, "library assertion: {} ({}:{})", condition, file, line);
    text[out.text().size()] = 0;
    base::panic(text);
}

[[noreturn]] void __throw_length_error(char const* what) { base::panic(what); }
[[noreturn]] void __throw_logic_error(char const* what) { base::panic(what); }
[[noreturn]] void __throw_out_of_range(char const* what) { base::panic(what); }
[[noreturn]] void __throw_out_of_range_fmt(char const* what, ...) { base::panic(what); }
[[noreturn]] void __throw_invalid_argument(char const* what) { base::panic(what); }
[[noreturn]] void __throw_bad_alloc() { base::panic("std::bad_alloc"); }
[[noreturn]] void __throw_bad_array_new_length() { base::panic("std::bad_array_new_length"); }
[[noreturn]] void __throw_bad_function_call() { base::panic("std::bad_function_call"); }

}
