// SPDX-License-Identifier: MIT
// mlock(2), mlockall(2): memory that is filled and stays. Nothing is ever paged out, so what remains to do is to fill
// the memory, to count it against RLIMIT_MEMLOCK, and to keep madvise from freeing it.
#include <algorithm>

#include "mm/user/address_space.h"
#include "sched/thread.h"

namespace mm {

/// EAGAIN: `pages` more would lock more than `lock_limit` bytes in all; ~0: no limit.
Result<> AddressSpace::check_locked(u64 pages, u64 lock_limit, WriteGuard const&) const {
    return lock_limit != ~u64{0} && vmas_.pages().locked + pages > lock_limit >> page_shift ? Result<>(fail(EAGAIN)) : Result<>();
}

Result<> AddressSpace::lock_piece(Vma& whole, u64 start, u64 end, Locking locking, WriteGuard const&) {
    if (whole.attributes.locking == locking) return {};
    vmas_.set_locking(*TRY(vmas_.piece(whole, start, end)), locking);
    return {};
}

/// Sets the locking of every VMA in [start, end). ENOMEM.
Result<> AddressSpace::lock_pieces(u64 start, u64 end, Locking locking, WriteGuard const& guard) {
    forget_last_found(guard);
    return vmas_.change_pieces(start, end, [&](Vma& vma, u64 from, u64 to) {
        lock_.assert_held();
        return lock_piece(vma, from, to, locking, guard);
    });
}

/// Faults every page in. There may be 2^35 of them, so a killed thread stops. ENOMEM: a page cannot be provided;
/// EAGAIN: no memory; EINTR.
Result<> AddressSpace::fill(u64 start, u64 end, FaultKind kind) {
    for (u64 page = start; page < end; page += page_size) {
        FaultResult const result = handle_fault(UserAddr(page), kind);
        if (result == FaultResult::OutOfMemory) return fail(EAGAIN);
        if (result != FaultResult::Handled) return fail(ENOMEM);
        if (sched::caller_is_dying()) return fail(EINTR);
    }
    return {};
}

/// Faults in what is mapped of [start, end), except OnFault memory; for writing where it is private and writable.
/// `goes_on`: an error in one VMA does not stop the others. Otherwise as fill().
Result<> AddressSpace::fill_range(u64 start, u64 end, bool goes_on) {
    for (u64 at = start; at < end;) {
        u64 from, to;
        FaultKind kind;
        {
            ReadGuard const guard(lock_);
            Vma const* const vma = vmas_.first_ending_above(at);
            if (!vma || vma->start >= end) return {};
            from = std::max(at, vma->start);
            at = to = std::min(end, vma->end);
            if (vma->attributes.locking == Locking::OnFault) continue;
            kind = vma->is_private_writable() ? FaultKind::Write : FaultKind::Read;
        }
        auto const filled = fill(from, to, kind);
        if (!filled && (!goes_on || filled.error().value == EINTR)) return filled;
    }
    return {};
}

Result<> AddressSpace::lock_range(UserAddr address, u64 size, Locking locking, u64 lock_limit) {
    u64 const start = address.page_down().value(), bytes = align_up(size + address.page_offset(), page_size), end = start + bytes;
    {
        WriteGuard const guard(lock_);
        // Pages of the range that are already locked are not counted twice.
        if (locking != Locking::None && !check_locked(bytes >> page_shift, lock_limit, guard)) {
            u64 const more = (bytes >> page_shift) - vmas_.locked_pages_in(start, end);
            if (!check_locked(more, lock_limit, guard)) return fail(ENOMEM);
        }
        if (end < start) return fail(EINVAL);
        TRY(lock_pieces(start, end, locking, guard));
    }
    return locking == Locking::None ? Result<>() : fill_range(start, end, false);
}

Result<> AddressSpace::lock_all(Locking locking, bool current, bool future, u64 lock_limit) {
    {
        WriteGuard const guard(lock_);
        if (current && vmas_.pages().total > lock_limit >> page_shift) return fail(ENOMEM);
        future_locking_ = future ? locking : Locking::None;
        if (future && !current) return {};
        Locking const wanted = current ? locking : Locking::None;
        forget_last_found(guard);
        for (Vma* vma = vmas_.first(); vma; vma = vmas_.next(*vma)) vmas_.set_locking(*vma, wanted);
        vmas_.merge_range(0, arch::user_space_end);
    }
    if (current) static_cast<void>(fill_range(0, arch::user_space_end, true));   // mlockall ignores pages that cannot be provided
    return {};
}

}
