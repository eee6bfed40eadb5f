// SPDX-License-Identifier: MIT
// The ring of a pipe. Wake-ups are exclusive: one reader when bytes come into an empty ring, one writer when
// a full ring has a free slot again. The thread that was woken wakes the next one if there is more.
#include "kernel/ipc/pipe_buffer.h"

#include <algorithm>
#include <bit>

#include <linux/poll.h>

#include "kernel/ipc/pipe_limits.h"
#include "mm/frame_allocator.h"

namespace ipc {

MM_OBJECT_CACHE_DEFINE(PipeBuffer)

PipeBuffer::~PipeBuffer() {
    if (slots_ != inline_slots_) delete[] slots_;
}

Result<> PipeBuffer::begin(fs::Credentials const& maker) {
    Locked guard(lock_);
    if (charge_.amount() != 0) return {};
    slot_count_.store(TRY(charge_new_pipe(charge_, maker, default_pages)), std::memory_order_relaxed);
    return {};
}

void PipeBuffer::drop_pages() {
    for (u32 i = 0; i < slots(); ++i) slots_[i] = Slot();
    held_pages_.store(0, std::memory_order_relaxed);
}

// ---------------------------------------------------------------- bytes, under lock_

/// The bytes wanted of a slot are taken all or not at all: bytes that meet a fault stay in the slot.
Result<size_t> PipeBuffer::take(mm::IoBuffer& buffer) {
    size_t total = 0;
    for (u32 left = used(); left > 0 && buffer.remaining() > 0; --left) {
        Slot& from = slot(0);
        size_t const count = std::min<u64>(from.size, buffer.remaining());
        if (!buffer.copy_whole_out(static_cast<std::byte*>(from.page.data()) + from.start, count)) return total ? Result<size_t>(total) : fail(EFAULT);
        total += count;
        if (count < from.size && !from.is_packet) {
            from.start = static_cast<u16>(from.start + count);
            from.size = static_cast<u16>(from.size - count);
            break;
        }
        bool const ends_read = from.is_packet;
        from.size = 0;
        first_ = left == 1 ? 0 : (first_ + 1) & (slots() - 1);   // so that an exchange of small messages stays in one page
        used_.store(left - 1, std::memory_order_release);
        if (ends_read) break;
    }
    return total;
}

/// Appends the part of a write beyond whole pages to the last slot. False: it does not fit there.
bool PipeBuffer::append(mm::IoBuffer& buffer, Result<size_t>& done) {
    size_t const odd = buffer.remaining() & page_mask;
    if (odd == 0 || used() == 0) return false;
    Slot& last = slot(used() - 1);
    size_t const end = size_t{last.start} + last.size;
    if (last.is_packet || end + odd > page_size) return false;
    if (!buffer.copy_whole_in(static_cast<std::byte*>(last.page.data()) + end, odd)) {
        done = fail(EFAULT);
        return true;
    }
    last.size = static_cast<u16>(last.size + odd);
    done = odd;
    return true;
}

/// Fills free slots with a page or the rest each: each all or not at all. EFAULT and ENOMEM only for the first.
Result<size_t> PipeBuffer::put(mm::IoBuffer& buffer, PipeMode mode) {
    size_t total = 0;
    while (buffer.remaining() > 0 && has_room()) {
        Slot& to = slot(used());
        if (!to.page) [[unlikely]] {
            auto page = mm::frame_allocator.allocate(0, mm::Fill::Dirty, mm::Urgency::User);
            if (!page) return total ? Result<size_t>(total) : fail(page.error());
            to.page = std::move(*page);
            held_pages_.store(held_pages() + 1, std::memory_order_relaxed);
        }
        size_t const count = std::min<u64>(page_size, buffer.remaining());
        if (!buffer.copy_whole_in(to.page.data(), count)) return total ? Result<size_t>(total) : fail(EFAULT);
        to.start = 0;
        to.size = static_cast<u16>(count);
        to.is_packet = mode == PipeMode::Packets;
        used_.store(used() + 1, std::memory_order_release);
        total += count;
    }
    return total;
}

u64 PipeBuffer::byte_count() {
    Locked guard(lock_);
    u64 total = 0;
    for (u32 i = 0; i < used(); ++i) total += slot(i).size;
    return total;
}

// ---------------------------------------------------------------- waiting

void PipeBuffer::announce_bytes(bool was_empty) {
    if (was_empty) read_queue_.wake_one();
    if (pollers_.has_waiters()) pollers_.wake_all(POLLIN | POLLRDNORM);
}

void PipeBuffer::announce_room() {
    write_queue_.wake_one();
    if (pollers_.has_waiters()) pollers_.wake_all(POLLOUT | POLLWRNORM);
}

Result<size_t> PipeBuffer::read(mm::IoBuffer& buffer, Blocking blocking) {
    if (buffer.remaining() == 0) return 0;
    for (;;) {
        {
            Locked guard(lock_);
            if (has_bytes()) {
                bool const had_room = has_room();
                auto const count = take(buffer);
                if (!had_room && has_room()) announce_room();
                if (has_bytes()) read_queue_.wake_one();   // the next reader's turn
                return count;
            }
            if (!has_writers()) return 0;
        }
        if (blocking == Blocking::No) return fail(EAGAIN);
        auto const woken = read_queue_.wait([this] { return has_bytes() || !has_writers(); });
        if (!woken) return fail(restart_sys);
    }
}

Result<size_t> PipeBuffer::write(mm::IoBuffer& buffer, Blocking blocking, PipeMode mode) {
    size_t total = 0;
    auto const partly = [&](int error) { return total ? Result<size_t>(total) : fail(error); };
    for (bool is_first = true; buffer.remaining() > 0; is_first = false) {
        {
            Locked guard(lock_);
            if (!has_readers()) return partly(EPIPE);
            bool const was_empty = !has_bytes(), had_room = has_room();
            Result<size_t> count = 0;
            if (is_first && append(buffer, count) && count) total += *count;
            if (count && buffer.remaining() > 0 && had_room) {
                count = put(buffer, mode);
                if (count) total += *count;
            }
            if (total > 0) announce_bytes(was_empty);
            if (has_room()) write_queue_.wake_one();   // the next writer's turn
            if (!count) return partly(count.error().value);
            if (buffer.remaining() == 0 || has_room()) return total;
        }
        if (blocking == Blocking::No) return partly(EAGAIN);
        auto const woken = write_queue_.wait([this] { return has_room() || !has_readers(); });
        if (!woken) return partly(restart_sys);
    }
    return total;
}

// ---------------------------------------------------------------- ends

void PipeBuffer::add_reader() {
    readers_.fetch_add(1, std::memory_order_acq_rel);
    readers_seen_.fetch_add(1, std::memory_order_acq_rel);
    openers_.wake_all();
}

void PipeBuffer::add_writer() {
    writers_.fetch_add(1, std::memory_order_acq_rel);
    writers_seen_.fetch_add(1, std::memory_order_acq_rel);
    openers_.wake_all();
}

/// If both sides are gone, nobody can read the bytes any more: fifo(7). The next opener of the FIFO finds it like new.
void PipeBuffer::forget_bytes() {
    Locked guard(lock_);
    if (has_readers() || has_writers()) return;
    used_.store(0, std::memory_order_release);
    first_ = 0;
    drop_pages();
    if (slots_ != inline_slots_) delete[] std::exchange(slots_, inline_slots_);
    slot_count_.store(default_pages, std::memory_order_relaxed);
    charge_ = {};
}

void PipeBuffer::remove_reader() {
    if (readers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    write_queue_.wake_all();
    pollers_.wake_all();
    if (!has_writers()) forget_bytes();
}

void PipeBuffer::remove_writer() {
    if (writers_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
    read_queue_.wake_all();
    pollers_.wake_all();
    if (!has_readers()) forget_bytes();
}

Result<u64> PipeBuffer::resize(u64 bytes, bool privileged) {
    if (bytes > (u64{1} << 31)) return fail(EINVAL);
    auto const wanted = static_cast<u32>(std::bit_ceil(std::max<u64>(bytes, page_size)) / page_size);
    if (wanted > slots() && !privileged && bytes > pipe_max_size.load(std::memory_order_relaxed)) return fail(EPERM);
    auto* const fresh = new (std::nothrow) Slot[wanted];
    if (!fresh) return fail(ENOMEM);
    Slot* retired = fresh;
    bool had_room = true;
    {
        Locked guard(lock_);
        u64 const before = charge_.amount();
        if (!charge_.change(wanted, most_pipe_pages(privileged))) return delete[] fresh, fail(EPERM);
        if (used() > wanted) {
            (void)charge_.change(before, ~u64{0});
        } else {
            had_room = has_room();
            u32 const kept = used();
            for (u32 i = 0; i < kept; ++i) fresh[i] = std::move(slot(i));
            first_ = 0;
            drop_pages();
            held_pages_.store(kept, std::memory_order_relaxed);
            retired = std::exchange(slots_, fresh);
            slot_count_.store(wanted, std::memory_order_relaxed);
        }
    }
    bool const refused = retired == fresh;
    if (retired != inline_slots_) delete[] retired;
    if (refused) return fail(EBUSY);
    if (!had_room && has_room()) announce_room();
    return u64{wanted} * page_size;
}

}
