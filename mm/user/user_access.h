// SPDX-License-Identifier: MIT
// A program's memory as typed values: the only way the kernel touches it by the program's own addresses. Every access
// may fault, sleep (so no spin lock may be held) and fail with EFAULT.
#pragma once

#include <span>
#include <string_view>
#include <type_traits>

#include <arch/user_access.h>
#include <base/result.h>

namespace mm {

/// The address of a T in the running program's memory, unchecked until used.
template <class T>
class UserPtr {
    static_assert(std::is_trivially_copyable_v<T>);
public:
    constexpr UserPtr() = default;
    explicit constexpr UserPtr(u64 address) : address_(address) {}
    explicit constexpr UserPtr(UserAddr address) : address_(address) {}
    constexpr UserAddr address() const { return address_; }
    constexpr bool is_null() const { return address_.is_null(); }
    constexpr UserPtr operator+(u64 elements) const { return UserPtr(address_ + elements * sizeof(T)); }

    Result<T> read() const {
        T value;
        if (arch::copy_from_user(&value, address_, sizeof(T))) return fail(EFAULT);
        return value;
    }
    Result<> write(T const& value) const {
        if (arch::copy_to_user(address_, &value, sizeof(T))) return fail(EFAULT);
        return {};
    }
    Result<> read_array(std::span<T> out) const {
        if (out.size_bytes() && arch::copy_from_user(out.data(), address_, out.size_bytes())) return fail(EFAULT);
        return {};
    }
    Result<> write_array(std::span<T const> values) const {
        if (values.size_bytes() && arch::copy_to_user(address_, values.data(), values.size_bytes())) return fail(EFAULT);
        return {};
    }
private:
    UserAddr address_;
};

/// Copies a NUL-terminated string; the result views `buffer`. EFAULT; `too_long` if it does not fit with its NUL.
Result<std::string_view> read_user_string(UserAddr from, std::span<char> buffer, int too_long);

struct Segment { u64 address = 0; u64 size = 0; };   ///< same layout as struct iovec

/// The bytes that a read or write moves: segments of a program's memory, or of the kernel's, and a position.
class IoBuffer {
public:
    enum class Space : u8 { User, Kernel };
    static IoBuffer user(UserAddr address, u64 size) { return IoBuffer(Space::User, {address.value(), size}); }
    static IoBuffer kernel(void* data, u64 size) { return IoBuffer(Space::Kernel, {reinterpret_cast<u64>(data), size}); }
    static IoBuffer kernel(void const* data, u64 size) { return IoBuffer(Space::Kernel, {reinterpret_cast<u64>(data), size}); }
    /// `segments` must outlive the buffer.
    static IoBuffer user(std::span<Segment const> segments);

    u64 remaining() const { return remaining_; }
    /// Copies min(size, remaining()) bytes to / from the current position and advances past them. If a fault stops
    /// the copy, the bytes before it count; EFAULT only if none was copied.
    Result<size_t> copy_out(void const* from, size_t size);   ///< kernel → buffer (read(2))
    Result<size_t> copy_in(void* to, size_t size);            ///< buffer → kernel (write(2))
    Result<size_t> fill_zero(size_t size);
    void skip(u64 size);
    void shorten(u64 size) { remaining_ = remaining_ < size ? remaining_ : size; }   ///< ignores what lies beyond
    /// For what is moved whole or not at all, such as a message or a counter: all of `size` bytes, or EFAULT.
    Result<> copy_whole_out(void const* from, size_t size) { return is_whole(copy_out(from, size), size); }
    Result<> copy_whole_in(void* to, size_t size) { return is_whole(copy_in(to, size), size); }
    /// Bytes left in the current segment.
    u64 part_size() { return remaining_ ? current().size : 0; }

private:
    static Result<> is_whole(Result<size_t> const& done, size_t wanted) { return done && *done == wanted ? Result<>() : fail(EFAULT); }
    Segment current();
    void advance(u64 size);
    template <class Move>
    Result<size_t> transfer(size_t size, Move&& move);
    IoBuffer(Space space, Segment only) : single_(only), space_(space), remaining_(only.size) {}
    Segment single_;
    std::span<Segment const> more_;      ///< empty: only single_
    Space space_;
    size_t index_ = 0;
    u64 offset_ = 0;
    u64 remaining_ = 0;
};

/// readv(2) and writev(2) of a file without vectored operations, as on Linux: calls `one` with the size of each
/// segment until it moves less or fails. What it has moved counts: a later error does not undo it.
template <class One>
Result<size_t> for_each_part(IoBuffer& buffer, One&& one) {
    size_t total = 0;
    do {
        u64 const size = buffer.part_size();
        Result<size_t> const done = one(size);
        if (!done) return total ? Result<size_t>(total) : done;
        total += *done;
        if (*done != size) break;
    } while (buffer.remaining() > 0);
    return total;
}

}
