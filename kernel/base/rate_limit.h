// SPDX-License-Identifier: MIT
// RateLimit: at most `burst` log lines per interval, then one line with the number suppressed, like Linux's
// printk_ratelimit.
#pragma once

#include <string_view>
#include <utility>

#include <arch/spin_lock.h>
#include <arch/time.h>
#include <base/log.h>

namespace base {

class RateLimit {
public:
    constexpr RateLimit(u32 burst, u64 interval_ns) : burst_(burst), interval_ns_(interval_ns) {}
    /// True if another line may be logged now. Any context.
    bool allows(std::string_view subsystem) {
        u32 suppressed = 0;
        bool allowed;
        {
            Locked guard(lock_);
            u64 const now = arch::clock_ns();
            if (begun_ns_ == 0 || now - begun_ns_ >= interval_ns_) {
                begun_ns_ = now;
                said_ = 0;
                suppressed = std::exchange(suppressed_, 0);
            }
            allowed = said_ < burst_;
            if (allowed) ++said_;
            else ++suppressed_;
        }
        if (suppressed != 0) log_warning(subsystem, "{} messages suppressed", suppressed);
        return allowed;
    }

private:
    u32 const burst_;
    u64 const interval_ns_;
    SpinLock<LockRank::leaf, InterruptsOff> lock_;
    u64 begun_ns_ GUARDED_BY(lock_) = 0;
    u32 said_ GUARDED_BY(lock_) = 0, suppressed_ GUARDED_BY(lock_) = 0;
};

}
