// SPDX-License-Identifier: MIT
// PageQuota: the limit of a tmpfs's size.
#pragma once

#include <atomic>

#include <base/ref.h>
#include <base/types.h>

#include "mm/frame_allocator.h"

namespace fs {

/// How many pages the files of one file system may have. Even if several are full, together they leave programs a 16th of
/// memory, because killing a program would free none of their pages. Lock-free.
class PageQuota final : public RefCounted<PageQuota> {
public:
    explicit PageQuota(u64 limit) : limit_(limit) {}
    u64 limit() const { return limit_.load(std::memory_order_relaxed); }
    u64 used() const { return used_.load(std::memory_order_relaxed); }
    void set_limit(u64 pages) { limit_.store(pages, std::memory_order_relaxed); }
    bool take() {
        u64 const kept = mm::frame_allocator.total_bytes() / page_size / 16;
        if (used_.fetch_add(1, std::memory_order_relaxed) < limit() && mm::frame_allocator.may_take(kept, mm::Urgency::User)) return true;
        give(1);
        return false;
    }
    void give(u64 pages) { used_.fetch_sub(pages, std::memory_order_relaxed); }
private:
    std::atomic<u64> limit_, used_{0};      // Ordering: relaxed, numbers alone
};

}
