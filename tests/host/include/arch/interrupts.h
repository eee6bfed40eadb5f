// SPDX-License-Identifier: MIT
// The host has no interrupts to turn off and no preemption to count.
#pragma once

#include <arch/per_cpu.h>
#include <base/types.h>

namespace base { class Writer; }

namespace arch {

inline bool interrupts_enabled() { return true; }
inline void interrupts_enable() {}
inline void interrupts_disable() {}

class InterruptGuard {
public:
    InterruptGuard() {}
    ~InterruptGuard() {}
    InterruptGuard(InterruptGuard const&) = delete;
};

inline void preempt_disable() {}
inline void preempt_enable_no_check() {}
inline void preempt_enable() {}
inline bool preempt_enabled() { return true; }
inline void set_need_resched() {}
inline void clear_need_resched() {}
inline bool need_resched() { return false; }

class PreemptGuard {
public:
    PreemptGuard() {}
    ~PreemptGuard() {}
    PreemptGuard(PreemptGuard const&) = delete;
};

}
