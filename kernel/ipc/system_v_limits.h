// SPDX-License-Identifier: MIT
// The limits of System V IPC, which root changes in /proc/sys/kernel: sysvipc(7). Objects that exist when a limit is lowered stay.
#pragma once

#include <atomic>
#include <utility>

#include <base/result.h>
#include <base/types.h>

namespace ipc {

inline constexpr u32 most_ids = 32768;                  ///< of each kind, whatever the limit; Linux's IPCMNI
inline constexpr u32 most_semaphores_of_a_set = 65535;  ///< their numbers have 16 bits, in sembuf and in the order of waiters

// Ordering: relaxed; each is independent.
extern constinit std::atomic<u32> msgmax, msgmnb, msgmni;            ///< bytes of a message, bytes of a new queue, queues
extern constinit std::atomic<u32> semmsl, semmns, semopm, semmni;    ///< semaphores of a set and of all, operations of a call, sets
extern constinit std::atomic<u64> shmmax, shmall;                    ///< bytes of a segment, pages of all segments
extern constinit std::atomic<u32> shmmni;                            ///< segments

/// Registers their files. Called once.
Result<> register_system_v_limits();

/// A part of what all objects of a kind may have together; its destructor returns it.
class Share {
public:
    Share() = default;
    Share(Share&& other) : total_(std::exchange(other.total_, nullptr)), amount_(other.amount_) {}
    ~Share() {
        if (total_) total_->fetch_sub(amount_, std::memory_order_relaxed);
    }
    /// ENOSPC: the total would exceed `most`. A refused amount is never counted, not even briefly, because others would be refused too.
    static Result<Share> of(std::atomic<u64>& total, u64 amount, u64 most) {
        u64 before = total.load(std::memory_order_relaxed);
        do {
            if (amount > most || before > most - amount) return fail(ENOSPC);
        } while (!total.compare_exchange_weak(before, before + amount, std::memory_order_relaxed));
        Share share;
        share.total_ = &total;
        share.amount_ = amount;
        return share;
    }
private:
    std::atomic<u64>* total_ = nullptr;
    u64 amount_ = 0;
};

}
