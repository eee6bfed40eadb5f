// SPDX-License-Identifier: MIT
// What a signal carries: its number, sets of numbers (bit n-1 is signal n), and the content of siginfo_t.
#pragma once

#include <array>
#include <cstddef>

#include <base/result.h>
#include <base/types.h>

namespace process {

/// Like the restart_… values of base/result.h: continue through restart_syscall(2), with UserThread's restart block.
inline constexpr int restart_by_block = 516;

inline constexpr int signal_count = 64;
inline constexpr int first_realtime_signal = 32;         ///< signals from this one on queue
using SignalMask = u64;                                  ///< bit n-1: signal n
constexpr SignalMask mask_of(int signal) { return SignalMask{1} << (signal - 1); }

/// The content of siginfo_t, before encode_signal_info() lays it out for the program.
struct SignalInfo {
    int signal = 0, code = 0, error = 0;
    i32 pid = 0; u32 uid = 0;                            ///< SI_USER, SIGCHLD
    int status = 0;                                      ///< SIGCHLD
    u64 address = 0;                                     ///< SIGSEGV, SIGBUS, SIGILL, SIGFPE; SIGCHLD: clock ticks in user mode
    u64 value = 0;                                       ///< sigqueue; SIGCHLD: clock ticks in the kernel
    /// For SIGCHLD: the CPU times of the child.
    void set_times(u64 user_ns, u64 system_ns) {
        constexpr u64 ns_per_tick = ns_per_s / 100;      // USER_HZ
        address = user_ns / ns_per_tick;
        value = system_ns / ns_per_tick;
    }
    class PosixTimer* timer = nullptr;                   ///< its sender; only from taking the signal to ProcessTimers::on_taken()
};

using SignalInfoBytes = std::array<std::byte, 128>;
/// Lays out the siginfo_t of signal(2) handlers, sigtimedwait and waitid: 128 bytes.
void encode_signal_info(SignalInfo const& info, SignalInfoBytes& out);

}
