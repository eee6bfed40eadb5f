// SPDX-License-Identifier: MIT
// mmap(2): decides where a mapping goes and whether there is room for it.
#include <algorithm>

#include "mm/user/address_space.h"
#include "mm/user/tlb_batch.h"

namespace mm {

namespace {

constexpr u64 start_of_low_memory = 1 * gib, end_of_low_memory = 2 * gib;   // where MAP_32BIT maps, as on Linux

bool is_fixed(MapRequest const& request) {
    return request.placement == MapRequest::Placement::Fixed || request.placement == MapRequest::Placement::FixedNoReplace;
}

/// Memory that only this mapping fills, so its pages count as promised.
bool is_accountable(MapRequest const& request) {
    if (request.no_reserve) return false;
    return request.sharing == Sharing::Private ? request.protection.write : !request.object;
}

VmaAttributes attributes_of(MapRequest const& request) {
    return {.protection = request.protection, .max_protection = request.max_protection, .sharing = request.sharing,
            .kind = request.kind, .no_reserve = request.no_reserve, .locking = request.locked ? Locking::Locked : Locking::None, .opening = request.opening};
}

}

/// RLIMIT_AS and RLIMIT_DATA; each is checked only if its count grows.
bool AddressSpace::may_expand(u64 pages, u64 data_pages, WriteGuard const&) const {
    VmaPages const& now = vmas_.pages();
    if (pages != 0 && now.total + pages > limits_.address_space >> page_shift) return false;
    return data_pages == 0 || now.data + data_pages <= limits_.data >> page_shift;
}

Result<u64> AddressSpace::choose_address(MapRequest const& request, u64 size, WriteGuard const&) {
    u64 const wanted = request.address.value();
    if (is_fixed(request)) {
        if (wanted > arch::user_space_end - size) return fail(ENOMEM);
        if (!request.address.is_page_aligned()) return fail(EINVAL);
        if (wanted < VmaSet::lowest_address) return fail(EPERM);
        if (request.placement == MapRequest::Placement::FixedNoReplace && !vmas_.is_free(wanted, wanted + size)) return fail(EEXIST);
        return wanted;
    }
    if (request.placement == MapRequest::Placement::Hint && wanted >= page_size) {
        u64 const hint = std::max(request.address.page_down().value(), VmaSet::lowest_address);
        u64 const end = request.below_2_gib ? end_of_low_memory : arch::user_space_end;
        if (size <= end && hint <= end - size && vmas_.is_free_with_guard(hint, hint + size)) return hint;
    }
    if (request.below_2_gib) return vmas_.find_gap_between(size, start_of_low_memory, end_of_low_memory);
    return vmas_.find_gap(size, arch::user_space_end);
}

Result<> AddressSpace::check_room(MapRequest const& request, u64 start, u64 size, WriteGuard const& guard) const {
    if (vmas_.count() >= VmaSet::max_count) return fail(ENOMEM);
    if (request.locked || future_locking_ != Locking::None) [[unlikely]] {
        if (request.locked && request.lock_limit == 0) return fail(EPERM);
        TRY(check_locked(size >> page_shift, request.lock_limit, guard));
    }
    bool const is_data = request.sharing == Sharing::Private && request.protection.write && request.kind != VmaKind::Stack;
    u64 pages = size >> page_shift;
    if (is_fixed(request)) pages -= vmas_.pages_in(start, start + size);   // pages that it replaces
    if (!may_expand(pages, is_data ? pages : 0, guard)) return fail(ENOMEM);
    if (is_accountable(request) && is_obvious_overcommit(size)) return fail(ENOMEM);
    return {};
}

Result<u64> AddressSpace::map_range(MapRequest const& request, u64 size, Ref<VmObject> object, bool& populates) {
    RemovedVmas removed;
    WriteGuard const guard(lock_);
    forget_last_found(guard);
    u64 const start = TRY(choose_address(request, size, guard));
    TRY(check_room(request, start, size, guard));
    u64 const offset = request.object ? request.offset : 0;
    Owned<Vma> vma(new (std::nothrow) Vma(start, start + size, offset, std::move(object), attributes_of(request)));
    if (!vma) return fail(ENOMEM);
    if (request.placement == MapRequest::Placement::Fixed) TRY(unmap_range(start, start + size, removed, guard));
    if (future_locking_ != Locking::None) [[unlikely]] vma->attributes.locking = future_locking_;
    populates |= vma->is_locked();
    vmas_.insert(*vma);
    vmas_.merge(*vma.leak());
    return start;
}

Result<UserAddr> AddressSpace::map(MapRequest const& request) {
    TRY(check_size(request));
    u64 const size = align_up(request.size, page_size);
    Ref<VmObject> object = request.object;
    if (!object && request.sharing == Sharing::Shared) object = TRY(make_anonymous_object(size));
    bool populates = request.populate;
    u64 const start = TRY(map_range(request, size, std::move(object), populates));
    // A page that cannot be faulted in is not an error: mmap(2).
    if (populates) static_cast<void>(fill_range(start, start + size, true));
    return UserAddr(start);
}

}
