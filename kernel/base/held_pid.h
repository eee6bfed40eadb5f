// SPDX-License-Identifier: MIT
// HeldPid: the number of a process, group or session, kept by an object that may outlive it. While it is held the
// number is not reassigned, so it means its first bearer or nobody. Copying takes no lock: interrupt handlers make
// copies.
#pragma once

#include <atomic>
#include <utility>

#include <base/types.h>

namespace base {

inline constexpr i32 pid_max = 32768;            ///< numbers are below this; /proc/sys/kernel/pid_max

class HeldPid {
public:
    constexpr HeldPid() = default;
    /// The number must not be released before this returns: the process tree's lock is held, or the number is the
    /// caller's own.
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

/// An unused number may be reassigned only if this is false.
bool is_held(Pid pid);

}
