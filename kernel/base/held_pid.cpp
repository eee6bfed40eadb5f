// SPDX-License-Identifier: MIT
// How many hold each number. From 0 a count rises only while someone bears the number, whose end is under the lock that also
// guards the giving out of numbers; so who gives them out may believe a 0.
#include "kernel/base/held_pid.h"

namespace base {
namespace {

// Ordering: acquire and release, so that what was done with the number comes before it is another's.
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
