// SPDX-License-Identifier: MIT
// How many holders each number has. A count rises from 0 only while the number is in use, and a number's use ends
// under the lock under which numbers are also assigned; so the assigner may rely on a 0.
#include "kernel/base/held_pid.h"

namespace base {
namespace {

// Ordering: acquire and release, so that all uses of the number precede its reassignment.
constinit std::atomic<u32> holders[pid_max] = {};

std::atomic<u32>& holders_of(Pid pid) { return holders[static_cast<u32>(pid.value) % pid_max]; }

}

HeldPid HeldPid::hold(Pid pid) {
    HeldPid held;
    held.pid_ = pid;
    if (held) holders_of(pid).fetch_add(1, std::memory_order_relaxed);
    return held;
}

HeldPid::HeldPid(HeldPid const& other) : pid_(other.pid_) {
    if (*this) holders_of(pid_).fetch_add(1, std::memory_order_relaxed);
}

void HeldPid::release() { holders_of(pid_).fetch_sub(1, std::memory_order_release); }

bool is_held(Pid pid) { return holders_of(pid).load(std::memory_order_acquire) != 0; }

}
