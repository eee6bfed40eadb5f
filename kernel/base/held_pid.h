// SPDX-License-Identifier: MIT
// HeldPid: the number of a process, group or session, kept by someone who may outlive it. While it is held the number is not
// given to anyone else, so that it means whom it meant at first, or nobody. Copies are free of locks: interrupts make them.
#pragma once

#include <atomic>
#include <utility>

#include <base/types.h>

namespace base {

inline constexpr i32 pid_max = 32768;            ///< numbers are below; /proc/sys/kernel/pid_max

class HeldPid {
public:
    constexpr HeldPid() = default;
    /// Whoever bears the number cannot give it back before this returns: the process tree's lock is held, or it is the caller's own.
    static HeldPid hold(Pid pid);
    HeldPid(HeldPid const& other);
    constexpr HeldPid(HeldPid&& other) noexcept : pid_(std::exchange(other.pid_, Pid())) {}
    HeldPid& operator=(HeldPid other) noexcept { return std::swap(pid_, other.pid_), *this; }
    ~HeldPid() { if (*this) release(); }
    Pid get() const { return pid_; }
    explicit operator bool() const { return pid_.value != 0; }

private:
    void release();
    Pid pid_;
};

/// A number that nobody bears may be given out again only if this is false.
bool is_held(Pid pid);

}
