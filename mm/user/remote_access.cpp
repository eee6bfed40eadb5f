// SPDX-License-Identifier: MIT
// Reads and writes a program's memory from outside: each page is faulted in as if the program had touched it, held by
// a reference, and copied through the direct map.
#include <algorithm>
#include <cstring>

#include "mm/user/address_space.h"
#include "mm/user/shared_tables.h"
#include "mm/user/user_page.h"

namespace mm {

/// The frame of `page`, with the rights that `kind` needs. EFAULT, ENOMEM.
Result<FrameRef> AddressSpace::pin_page(u64 page, FaultKind kind) {
    for (;;) {
        {
            ReadGuard const guard(lock_);
            Locked const entries(page_table_lock_);
            arch::PageEntry const* const directory = page_table_.find_directory_entry(page);
            bool const is_there = directory && directory->is_present();
            arch::PageEntry const entry = is_there ? *page_table_.leaf_below(*directory, page) : arch::PageEntry();
            bool const may_write = entry.is_writable() && !is_shared(*directory);
            if (entry.is_accessible() && (kind != FaultKind::Write || may_write)) return FrameRef::share(frame_record(entry.address()));
        }
        FaultResult const result = handle_fault(UserAddr(page), kind);
        if (result == FaultResult::OutOfMemory) return fail(ENOMEM);
        if (result != FaultResult::Handled) return fail(EFAULT);
    }
}

/// True if the page is a private copy: the program wrote to it, but may now only read it.
bool AddressSpace::shows_copy(u64 page) const {
    Locked const guard(page_table_lock_);
    arch::PageEntry const entry = page_table_.leaf_of(page);
    return entry.is_present() && !is_zero_frame(entry.address()) && (frame_record(entry.address()).flags & frame_is_anonymous);
}

Result<Ref<VmObject>> AddressSpace::shared_word_at(UserAddr address, u64& offset) const {
    ReadGuard const guard(lock_);
    Vma const* const vma = find_vma(address.value());
    if (!vma || !vma->rights.is_accessible()) return fail(EFAULT);
    if (!vma->is_shared()) {
        if (vma->attributes.protection.write) return Ref<VmObject>();
        if (!vma->object || shows_copy(address.page_down().value())) return fail(EFAULT);
    }
    offset = vma->offset + (address.value() - vma->start);
    return vma->object;
}

Result<> AddressSpace::write(UserAddr to, std::span<std::byte const> bytes) {
    if (to.value() >= arch::user_space_end || bytes.size() > arch::user_space_end - to.value()) return fail(EFAULT);
    while (!bytes.empty()) {
        FrameRef const frame = TRY(pin_page(to.page_down().value(), FaultKind::Write));
        size_t const count = std::min<size_t>(bytes.size(), page_size - to.page_offset());
        std::memcpy(static_cast<std::byte*>(frame.data()) + to.page_offset(), bytes.data(), count);
        bytes = bytes.subspan(count);
        to += count;
    }
    return {};
}

Result<size_t> AddressSpace::read(UserAddr from, std::span<std::byte> bytes) {
    if (from.value() >= arch::user_space_end) return 0;
    bytes = bytes.first(std::min<u64>(bytes.size(), arch::user_space_end - from.value()));
    size_t done = 0;
    while (done < bytes.size()) {
        auto const frame = pin_page(from.page_down().value(), FaultKind::Read);
        if (!frame && frame.error().value == ENOMEM) return fail(ENOMEM);
        if (!frame) break;
        size_t const count = std::min<size_t>(bytes.size() - done, page_size - from.page_offset());
        std::memcpy(bytes.data() + done, static_cast<std::byte const*>(frame->data()) + from.page_offset(), count);
        done += count;
        from += count;
    }
    return done;
}

}
