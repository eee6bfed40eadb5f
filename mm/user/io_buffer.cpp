// SPDX-License-Identifier: MIT
// IoBuffer: moves bytes between the kernel and the segments of a read or a write.
// Invariant: the position advances past exactly the bytes that were moved, also on a fault.
#include <algorithm>
#include <cstring>

#include "mm/user/user_access.h"

namespace mm {

IoBuffer IoBuffer::user(std::span<Segment const> segments) {
    IoBuffer buffer(Space::User, Segment{});
    buffer.more_ = segments;
    for (Segment const& segment : segments)
        if (__builtin_add_overflow(buffer.remaining_, segment.size, &buffer.remaining_)) buffer.remaining_ = ~u64{0};
    return buffer;
}

Segment IoBuffer::current() {
    if (more_.empty()) return {single_.address + offset_, single_.size - offset_};
    while (index_ < more_.size() && offset_ == more_[index_].size) {
        ++index_;
        offset_ = 0;
    }
    if (index_ == more_.size()) return {};
    return {more_[index_].address + offset_, more_[index_].size - offset_};
}

void IoBuffer::advance(u64 size) {
    offset_ += size;
    remaining_ -= size;
}

/// Calls move(address, done, count) for each contiguous part; it returns how many bytes it could *not* move.
template <class Move>
Result<size_t> IoBuffer::transfer(size_t size, Move&& move) {
    size = static_cast<size_t>(std::min<u64>(size, remaining_));
    size_t done = 0;
    while (done < size) {
        Segment const part = current();
        if (part.size == 0) break;
        size_t const count = static_cast<size_t>(std::min<u64>(size - done, part.size));
        size_t const left = move(part.address, done, count);
        advance(count - left);
        done += count - left;
        if (left == 0) continue;
        if (done == 0) return fail(EFAULT);
        break;
    }
    return done;
}

Result<size_t> IoBuffer::copy_out(void const* from, size_t size) {
    return transfer(size, [&](u64 address, size_t done, size_t count) -> size_t {
        auto const* source = static_cast<std::byte const*>(from) + done;
        if (space_ == Space::User) return arch::copy_to_user(UserAddr(address), source, count);
        std::memcpy(reinterpret_cast<void*>(address), source, count);
        return 0;
    });
}

Result<size_t> IoBuffer::copy_in(void* to, size_t size) {
    return transfer(size, [&](u64 address, size_t done, size_t count) -> size_t {
        auto* target = static_cast<std::byte*>(to) + done;
        if (space_ == Space::User) return arch::copy_from_user(target, UserAddr(address), count);
        std::memcpy(target, reinterpret_cast<void const*>(address), count);
        return 0;
    });
}

Result<size_t> IoBuffer::fill_zero(size_t size) {
    return transfer(size, [&](u64 address, size_t, size_t count) -> size_t {
        if (space_ == Space::User) return arch::clear_user(UserAddr(address), count);
        std::memset(reinterpret_cast<void*>(address), 0, count);
        return 0;
    });
}

void IoBuffer::skip(u64 size) {
    static_cast<void>(transfer(size, [](u64, size_t, size_t) -> size_t { return 0; }));
}

}
