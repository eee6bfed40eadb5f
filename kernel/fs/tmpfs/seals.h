// SPDX-License-Identifier: MIT
// Seals of a file in memory: memfd_create(2), fcntl(2) F_ADD_SEALS. Inside fs only.
#pragma once

#include <atomic>

#include <linux/fcntl.h>

#include <base/result.h>

#ifndef F_SEAL_EXEC
#define F_SEAL_EXEC 0x0020
#endif

namespace fs {

class Seals {
public:
    static constexpr u32 all = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;

    u32 get() const { return set_.load(std::memory_order_acquire); }
    bool has(u32 any) const { return get() & any; }
    void start_with(u32 seals) { set_.store(seals, std::memory_order_release); }
    /// With the file's write lock held. EPERM EBUSY.
    Result<> add(u32 seals) {
        if (has(F_SEAL_SEAL)) return fail(EPERM);
        if ((seals & F_SEAL_WRITE) && !has(F_SEAL_WRITE) && !forbid_writable()) return fail(EBUSY);
        set_.fetch_or(seals, std::memory_order_acq_rel);
        return {};
    }

    /// A shared mapping is about to be made. False: it may never be written to. True: end_sharing() follows when it is there.
    /// EPERM: it `writes` from the start, and a seal forbids that.
    Result<bool> begin_sharing(bool writes, bool is_writable) {
        if (!has(F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) {
            if (!is_writable) return false;
            if (count_writable()) return true;
        }
        return writes ? Result<bool>(fail(EPERM)) : Result<bool>(false);
    }
    void end_sharing() { writable_.fetch_sub(1, std::memory_order_acq_rel); }
    /// A shared mapping that may be written to came or went. It came within begin_sharing() … end_sharing(), or beside another.
    bool is_mapped_for_writing() const { return writable_.load(std::memory_order_acquire) > 0; }
    void writable_mapping(bool added) { writable_.fetch_add(added ? 1 : -1, std::memory_order_acq_rel); }

private:
    bool count_writable() {
        int count = writable_.load(std::memory_order_relaxed);
        do {
            if (count < 0) return false;
        } while (!writable_.compare_exchange_weak(count, count + 1, std::memory_order_acq_rel));
        return true;
    }
    bool forbid_writable() {
        int none = 0;
        return writable_.compare_exchange_strong(none, -1, std::memory_order_acq_rel);
    }
    std::atomic<u32> set_{F_SEAL_SEAL};
    std::atomic<int> writable_{0};               ///< shared mappings that may be written to; -1: there will be none
};

}
