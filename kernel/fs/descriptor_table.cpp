// SPDX-License-Identifier: MIT
// The descriptor table: growth, the search for free numbers, and closing. Whatever ends a File takes its reference out under
// the lock and drops it afterwards; memory is allocated without the lock, and the table is then looked at again.
#include "kernel/fs/descriptor_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace fs {

MM_OBJECT_CACHE_DEFINE(DescriptorTable)

Result<Ref<DescriptorTable>> DescriptorTable::create() { return mm::make_ref<DescriptorTable>(); }

DescriptorTable::~DescriptorTable() {
    close_all();
    if (files_ != inline_.files) mm::heap_free(files_);
}

u32 DescriptorTable::capacity() const {
    Locked guard(lock_);
    return capacity_;
}

u32 DescriptorTable::first_free(u32 from) const {
    u32 const words = capacity_ / word_bits;
    for (u32 word = from / word_bits; word < words; ++word) {
        u64 free = ~used()[word];
        if (word == from / word_bits) free &= ~u64{0} << (from % word_bits);
        if (free) return word * word_bits + static_cast<u32>(std::countr_zero(free));
    }
    return std::max(capacity_, from);
}

u32 DescriptorTable::next_used_number(u32 from) const {
    u32 const words = capacity_ / word_bits;
    for (u32 word = from / word_bits; word < words; ++word) {
        u64 bits = used()[word];
        if (word == from / word_bits) bits &= ~u64{0} << (from % word_bits);
        if (bits) return word * word_bits + static_cast<u32>(std::countr_zero(bits));
    }
    return capacity_;
}

void DescriptorTable::put(u32 number, File* file, CloseOnExec close_on_exec) {
    u64 const bit = u64{1} << (number % word_bits);
    files_[number] = file;
    used()[number / word_bits] |= bit;
    if (close_on_exec == CloseOnExec::Yes) on_exec()[number / word_bits] |= bit;
    else on_exec()[number / word_bits] &= ~bit;
}

Ref<File> DescriptorTable::take(u32 number) {
    used()[number / word_bits] &= ~(u64{1} << (number % word_bits));
    lowest_free_ = std::min(lowest_free_, number);
    return Ref<File>::adopt(files_[number]);
}

/// Makes room for `count` numbers in a new block, whose size is a power of two.
Result<> DescriptorTable::reserve(u32 count) {
    u32 const wanted = std::bit_ceil(std::max(count, inline_capacity * 2));
    size_t const bitmap_bytes = wanted / 8;
    auto* const block = static_cast<File**>(mm::heap_allocate(wanted * sizeof(File*) + 2 * bitmap_bytes));
    if (!block) return fail(ENOMEM);
    File** retired = block;
    {
        Locked guard(lock_);
        if (capacity_ < wanted) {
            auto* const new_used = reinterpret_cast<u64*>(block + wanted);
            std::memset(new_used, 0, 2 * bitmap_bytes);
            std::memcpy(block, files_, capacity_ * sizeof(File*));
            std::memcpy(new_used, used(), capacity_ / 8);
            std::memcpy(new_used + wanted / word_bits, on_exec(), capacity_ / 8);
            retired = std::exchange(files_, block);
            capacity_ = wanted;
        }
    }
    if (retired != inline_.files) mm::heap_free(retired);
    return {};
}

u32 DescriptorTable::end_of_used() const {
    u32 word = capacity_ / word_bits;
    while (word > 0 && used()[word - 1] == 0) --word;
    return word == 0 ? 0 : word * word_bits - static_cast<u32>(std::countl_zero(used()[word - 1]));
}

/// Copies what is in use below `end`, which `to` has room for: a word of 64 numbers at a time. Not analysed: nobody else
/// knows `to`, so its lock is not taken.
void DescriptorTable::copy_into(DescriptorTable& to, u32 end) const NO_THREAD_SAFETY_ANALYSIS {
    for (u32 word = 0; word * word_bits < end; ++word) {
        u64 const bits = used()[word];
        to.used()[word] = bits;
        to.on_exec()[word] = on_exec()[word] & bits;
        for (u64 left = bits; left; left &= left - 1) {
            File* const file = files_[word * word_bits + static_cast<u32>(std::countr_zero(left))];
            file->acquire_ref();
            to.files_[word * word_bits + static_cast<u32>(std::countr_zero(left))] = file;
        }
    }
    to.lowest_free_ = lowest_free_;
}

/// Not analysed: nobody else knows the copy, so its lock is not taken.
Result<Ref<DescriptorTable>> DescriptorTable::copy() const NO_THREAD_SAFETY_ANALYSIS {
    auto result = TRY(create());
    for (;;) {
        u32 needed;
        {
            Locked guard(lock_);
            needed = end_of_used();
            if (needed <= result->capacity_) {
                copy_into(*result, needed);
                return result;
            }
        }
        TRY(result->reserve(needed));
    }
}

Result<Fd> DescriptorTable::add(Ref<File> file, CloseOnExec close_on_exec, u32 limit, Fd lowest) {
    u32 const from = static_cast<u32>(lowest.value);
    if (lowest.value < 0 || from >= limit) return fail(from == 0 ? EMFILE : EINVAL);
    for (;;) {
        u32 number;
        {
            Locked guard(lock_);
            number = first_free(std::max(from, lowest_free_));
            if (number >= limit) return fail(EMFILE);
            if (number < capacity_) {
                put(number, file.leak(), close_on_exec);
                if (from <= lowest_free_) lowest_free_ = number + 1;
                return Fd(static_cast<i32>(number));
            }
        }
        TRY(reserve(number + 1));
    }
}

Result<> DescriptorTable::replace(Fd fd, Ref<File> file, CloseOnExec close_on_exec, u32 limit) {
    u32 const number = static_cast<u32>(fd.value);
    if (fd.value < 0 || number >= limit) return fail(EBADF);
    Ref<File> old;
    for (;;) {
        {
            Locked guard(lock_);
            if (number < capacity_) {
                if (is_used(number)) old = take(number);
                put(number, file.leak(), close_on_exec);
                break;
            }
        }
        TRY(reserve(number + 1));
    }
    if (old) old->flush(this);
    return {};
}

Result<> DescriptorTable::close(Fd fd) {
    Ref<File> old;
    {
        Locked guard(lock_);
        u32 const number = static_cast<u32>(fd.value);
        if (!is_used(number)) return fail(EBADF);
        old = take(number);
    }
    old->flush(this);
    return {};
}

void DescriptorTable::close_if(Fd fd, File const& file) {
    Ref<File> old;
    {
        Locked guard(lock_);
        u32 const number = static_cast<u32>(fd.value);
        if (!is_used(number) || files_[number] != &file) return;
        old = take(number);
    }
    old->flush(this);
}

namespace {

/// The bits of the numbers `first` to `last` in the word that begins with number `start`; at least one of them lies in it.
u64 bits_between(u32 first, u32 last, u32 start) {
    u64 const from = first > start ? ~u64{0} << (first - start) : ~u64{0};
    return last - start < 63 ? from & ((u64{1} << (last - start + 1)) - 1) : from;
}

}

/// Takes out one word of numbers under the lock, then closes their files without it.
void DescriptorTable::close_each(u32 first, u32 last, Which which) {
    for (u32 number = first;;) {
        File* taken[word_bits];
        u32 count = 0, start;
        {
            Locked guard(lock_);
            number = next_used_number(number);
            if (number >= capacity_ || number > last) return;
            start = number & ~(word_bits - 1);
            u64 bits = used()[start / word_bits] & bits_between(number, last, start);
            if (which == Which::OnExec) bits &= on_exec()[start / word_bits];
            used()[start / word_bits] &= ~bits;
            if (bits) lowest_free_ = std::min(lowest_free_, start + static_cast<u32>(std::countr_zero(bits)));
            for (; bits; bits &= bits - 1) taken[count++] = files_[start + static_cast<u32>(std::countr_zero(bits))];
        }
        for (u32 i = 0; i < count; ++i) Ref<File>::adopt(taken[i])->flush(this);
        if (last - start < word_bits) return;
        number = start + word_bits;
    }
}

Result<> DescriptorTable::close_range(u32 first, u32 last) {
    if (first > last) return fail(EINVAL);
    close_each(first, last, Which::All);
    return {};
}

Result<> DescriptorTable::set_close_on_exec_range(u32 first, u32 last) {
    if (first > last) return fail(EINVAL);
    Locked guard(lock_);
    for (u32 n = next_used_number(first); n < capacity_ && n <= last;) {
        u32 const start = n & ~(word_bits - 1);
        on_exec()[start / word_bits] |= used()[start / word_bits] & bits_between(n, last, start);
        if (last - start < word_bits) break;
        n = next_used_number(start + word_bits);
    }
    return {};
}

void DescriptorTable::close_on_exec() { close_each(0, ~u32{0}, Which::OnExec); }

void DescriptorTable::close_all() { close_each(0, ~u32{0}, Which::All); }

Result<CloseOnExec> DescriptorTable::close_on_exec_flag(Fd fd) const {
    u32 const number = static_cast<u32>(fd.value);
    Locked guard(lock_);
    if (!is_used(number)) return fail(EBADF);
    return on_exec()[number / word_bits] >> (number % word_bits) & 1 ? CloseOnExec::Yes : CloseOnExec::No;
}

Result<> DescriptorTable::set_close_on_exec(Fd fd, CloseOnExec value) {
    u32 const number = static_cast<u32>(fd.value);
    Locked guard(lock_);
    if (!is_used(number)) return fail(EBADF);
    put(number, files_[number], value);
    return {};
}

std::optional<Fd> DescriptorTable::next_used(Fd from) const {
    if (from.value < 0) from = Fd(0);
    Locked guard(lock_);
    u32 const number = next_used_number(static_cast<u32>(from.value));
    if (number >= capacity_) return std::nullopt;
    return Fd(static_cast<i32>(number));
}

u64 DescriptorTable::held_pages() const {
    constexpr u32 at_once = 64;                  // files looked at with preemption off
    u64 sum = 0;
    for (u32 number = 0;;) {
        Locked guard(lock_);
        for (u32 i = 0; i < at_once; ++i, ++number) {
            number = next_used_number(number);
            if (number >= capacity_) return sum;
            sum += files_[number]->held_pages();
        }
    }
}

}
