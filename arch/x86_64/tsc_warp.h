// SPDX-License-Identifier: MIT
// TscWarp: do two CPUs' time stamp counters agree? They take turns at reading: none may read less than the other read just before. What
// a message between the CPUs takes is the error, and no smaller difference could ever be noticed. Pure but for what it is given.
#pragma once

#include <atomic>

#include <base/types.h>

namespace arch {

class TscWarp {
public:
    static constexpr u64 readings = 64;   ///< of both together

    constexpr TscWarp() = default;
    void begin() {
        worst_.store(0, std::memory_order_relaxed);
        done_.store(0, std::memory_order_release);
    }
    /// One CPU's part; `me`: 0 reads first, 1 the other. read() is the counter, wait() passes a moment and is false if that was the last.
    /// False: the other CPU did not take its turns.
    template <class Read, class Wait>
    bool take_part(u64 me, Read&& read, Wait&& wait) {
        for (u64 turn = me; turn < readings; turn += 2) {
            while (done_.load(std::memory_order_acquire) != turn)
                if (!wait()) return false;
            u64 const now = read();
            // Written by who has the turn; the release below hands it on.
            if (turn != 0 && now < last_ && last_ - now > worst_.load(std::memory_order_relaxed)) worst_.store(last_ - now, std::memory_order_relaxed);
            last_ = now;
            done_.store(turn + 1, std::memory_order_release);
        }
        return true;
    }
    bool is_done() const { return done_.load(std::memory_order_acquire) == readings; }
    /// By how much, at most, one was seen behind; once it is done.
    u64 worst() const { return worst_.load(std::memory_order_relaxed); }

private:
    std::atomic<u64> done_{0};    ///< readings made: whose turn it is. Ordering: release and acquire hand on last_ and worst_
    std::atomic<u64> worst_{0};
    u64 last_ = 0;
};

}
