// SPDX-License-Identifier: MIT
// TscWarp: do two CPUs' time stamp counters agree? They take turns at reading: neither may read less than the other
// has just read. The error is the time of a message between the CPUs, and no program could notice a smaller
// difference. Pure except for the functions passed in.
#pragma once

#include <atomic>

#include <base/types.h>

namespace arch {

class TscWarp {
public:
    static constexpr u64 readings = 64;   ///< by both together

    constexpr TscWarp() = default;
    void begin() {
        worst_.store(0, std::memory_order_relaxed);
        done_.store(0, std::memory_order_release);
    }
    /// One CPU's part; `me`: 0 reads first, 1 second. read() reads the counter; wait() pauses briefly and returns
    /// false when time is up. False: the other CPU did not take its turns.
    template <class Read, class Wait>
    bool take_part(u64 me, Read&& read, Wait&& wait) {
        for (u64 turn = me; turn < readings; turn += 2) {
            while (done_.load(std::memory_order_acquire) != turn)
                if (!wait()) return false;
            u64 const now = read();
            // Only the CPU whose turn it is writes these; the release below passes them on.
            if (turn != 0 && now < last_ && last_ - now > worst_.load(std::memory_order_relaxed)) worst_.store(last_ - now, std::memory_order_relaxed);
            last_ = now;
            done_.store(turn + 1, std::memory_order_release);
        }
        return true;
    }
    bool is_done() const { return done_.load(std::memory_order_acquire) == readings; }
    /// The largest distance by which one was seen behind; valid once is_done().
    u64 worst() const { return worst_.load(std::memory_order_relaxed); }

private:
    std::atomic<u64> done_{0};    ///< readings made: whose turn it is. Ordering: release and acquire pass last_ and worst_ on
    std::atomic<u64> worst_{0};
    u64 last_ = 0;
};

}
