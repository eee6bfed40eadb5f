// SPDX-License-Identifier: MIT
// The vocabulary of numbers that must not be mixed: addresses of each kind, frame numbers, process, descriptor and
// CPU ids. At run time all are plain words.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;
using std::size_t;

inline constexpr size_t page_shift = 12;
inline constexpr size_t page_size = size_t{1} << page_shift;
inline constexpr u64 page_mask = page_size - 1;

inline constexpr u64 kib = 1024;
inline constexpr u64 mib = 1024 * kib;
inline constexpr u64 gib = 1024 * mib;

inline constexpr u64 ns_per_us = 1000;
inline constexpr u64 ns_per_ms = 1000 * ns_per_us;
inline constexpr u64 ns_per_s = 1000 * ns_per_ms;

template <class T>
constexpr T align_down(T value, u64 alignment) { return static_cast<T>(value & ~(alignment - 1)); }
template <class T>
constexpr T align_up(T value, u64 alignment) { return static_cast<T>((value + alignment - 1) & ~(alignment - 1)); }
constexpr bool is_aligned(u64 value, u64 alignment) { return (value & (alignment - 1)) == 0; }

/// An address in one address space; `Tag` names the space and keeps the kinds apart.
template <class Tag>
class Address {
public:
    constexpr Address() = default;
    explicit constexpr Address(u64 value) : value_(value) {}

    constexpr u64 value() const { return value_; }
    constexpr bool is_null() const { return value_ == 0; }
    constexpr u64 page_offset() const { return value_ & page_mask; }
    constexpr bool is_page_aligned() const { return page_offset() == 0; }
    constexpr Address page_down() const { return Address(value_ & ~page_mask); }
    /// Rounds up to a page; wraps to 0 past the last page, so check the range first.
    constexpr Address page_up() const { return Address((value_ + page_mask) & ~page_mask); }

    constexpr Address operator+(u64 bytes) const { return Address(value_ + bytes); }
    constexpr Address operator-(u64 bytes) const { return Address(value_ - bytes); }
    constexpr u64 operator-(Address other) const { return value_ - other.value_; }
    constexpr Address& operator+=(u64 bytes) { value_ += bytes; return *this; }
    constexpr Address& operator-=(u64 bytes) { value_ -= bytes; return *this; }
    constexpr auto operator<=>(Address const&) const = default;

private:
    u64 value_ = 0;
};

struct PhysTag;
struct VirtTag;
struct UserTag;
using PhysAddr = Address<PhysTag>;   ///< physical memory
using VirtAddr = Address<VirtTag>;   ///< kernel virtual memory
using UserAddr = Address<UserTag>;   ///< a program's memory: any 64-bit value until checked

/// A number of one kind; `Tag` keeps the kinds apart.
template <class Tag, class Rep>
struct Id {
    Rep value{};
    constexpr Id() = default;
    explicit constexpr Id(Rep v) : value(v) {}
    constexpr auto operator<=>(Id const&) const = default;
};

using FrameNumber = Id<struct FrameNumberTag, u64>;   ///< physical address / page_size
using Pid = Id<struct PidTag, i32>;                   ///< process (and thread) id; 0 is nobody's
using Fd = Id<struct FdTag, i32>;                     ///< file descriptor; a negative one is none
using CpuId = Id<struct CpuIdTag, u32>;               ///< 0 is the boot CPU; numbers are dense
using UserId = Id<struct UserIdTag, u32>;
using GroupId = Id<struct GroupIdTag, u32>;

inline constexpr u32 max_cpus = 64;

constexpr FrameNumber frame_of(PhysAddr address) { return FrameNumber(address.value() >> page_shift); }
constexpr PhysAddr address_of(FrameNumber frame) { return PhysAddr(frame.value << page_shift); }
