// SPDX-License-Identifier: MIT
// The ring of a pipe. Wake-ups are exclusive: one reader when bytes come into an empty ring, one
// writer when PIPE_BUF bytes are free again; who was woken passes it on if there is more.
#include "kernel/ipc/pipe_buffer.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "kernel/ipc/pipe_limits.h"
#include "mm/frame_allocator.h"

namespace ipc {

MM_OBJECT_CACHE_DEFINE(PipeBuffer)

PipeBuffer::~PipeBuffer() {
    if (pages_ != inline_pages_) delete[] pages_;
}

Result<> PipeBuffer::begin(fs::Credentials const& maker) {
    Lock::Guard guard(lock_);
    if (charge_.amount() != 0) return {};
    capacity_.store(TRY(charge_new_pipe(charge_, maker, default_pages)) * page_size, std::memory_order_relaxed);
    return {};
}

void PipeBuffer::drop_pages() {
    for (u64 i = 0; i < capacity() / page_size; ++i) pages_[i] = mm::FrameRef();
    held_pages_.store(0, std::memory_order_relaxed);
}

// ---------------------------------------------------------------- bytes, under lock_

/// Memory of the ring from `position` to the end of its page; the page is made if need be.
Result<std::byte*> PipeBuffer::page_at(u64 position) {
    u64 const place = position & (capacity() - 1);
    auto& page = pages_[place / page_size];
    if (!page) [[unlikely]] {
        page = TRY(mm::frame_allocator.allocate(0, mm::Fill::Dirty, mm::Urgency::User));
        held_pages_.store(held_pages() + 1, std::memory_order_relaxed);
    }
    return static_cast<std::byte*>(page.data()) + place % page_size;
}

Result<size_t> PipeBuffer::take(mm::IoBuffer& buffer) {
    size_t total = 0;
    while (buffer.remaining() > 0 && used() > 0) {
        size_t const in_page = page_size - head_ % page_size;
        size_t const chunk = std::min<u64>({in_page, used(), buffer.remaining()});
        auto const copied = buffer.copy_out(TRY(page_at(head_)), chunk);
        if (!copied && total == 0) return fail(copied.error());
        if (!copied) break;
        head_ += *copied;
        used_.store(used() - *copied, std::memory_order_release);
        total += *copied;
        if (*copied < chunk) break;
    }
    if (used() == 0) head_ = 0;   // so a ping-pong of small messages stays in one page
    return total;
}

Result<size_t> PipeBuffer::put(mm::IoBuffer& buffer, u64 limit) {
    size_t total = 0;
    while (limit > 0) {
        u64 const tail = head_ + used();
        size_t const chunk = std::min<u64>(page_size - tail % page_size, limit);
        auto const place = page_at(tail);
        auto const copied = place ? buffer.copy_in(*place, chunk) : fail(place.error());
        if (!copied && total == 0) return fail(copied.error());
        if (!copied) break;
        used_.store(used() + *copied, std::memory_order_release);
        total += *copied;
        limit -= *copied;
        if (*copied < chunk) break;
    }
    return total;
}

// ---------------------------------------------------------------- waiting

void PipeBuffer::announce_bytes(bool was_empty) {
    if (was_empty) read_queue_.wake_one();
    if (pollers_.has_waiters()) pollers_.wake_all();
}

void PipeBuffer::announce_room(bool had_room) {
    if (had_room || !has_room()) return;
    write_queue_.wake_one();
    if (pollers_.has_waiters()) pollers_.wake_all();
}

Result<size_t> PipeBuffer::read(mm::IoBuffer& buffer, Blocking blocking) {
    if (buffer.remaining() == 0) return 0;
    for (;;) {
        {
            Lock::Guard guard(lock_);
            if (used() > 0) {
                bool const had_room = has_room();
                auto const count = take(buffer);
                announce_room(had_room);
                if (used() > 0) read_queue_.wake_one();   // the next reader's turn
                return count;
            }
            if (!has_writers()) return 0;
        }
        if (blocking == Blocking::No) return fail(EAGAIN);
        auto const woken = read_queue_.wait([this] { return used() > 0 || !has_writers(); });
        if (!woken) return fail(restart_sys);
    }
}

Result<size_t> PipeBuffer::write(mm::IoBuffer& buffer, Blocking blocking) {
    bool const atomic = buffer.remaining() <= atomic_write;
    size_t total = 0;
    auto const partly = [&](int error) { return total ? Result<size_t>(total) : fail(error); };
    while (buffer.remaining() > 0) {
        {
            Lock::Guard guard(lock_);
            if (!has_readers()) return partly(EPIPE);
            u64 const room = capacity() - used();
            u64 const limit = std::min(room, buffer.remaining());
            if (limit == buffer.remaining() || (!atomic && limit > 0)) {
                bool const was_empty = used() == 0;
                auto const count = put(buffer, limit);
                if (count && *count > 0) announce_bytes(was_empty);
                if (has_room()) write_queue_.wake_one();   // the next writer's turn
                if (!count) return partly(count.error().value);
                total += *count;
                if (*count < limit || buffer.remaining() == 0) return total;
            }
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

/// Nobody can read these bytes any more: fifo(7). Who opens the FIFO next finds it as new.
void PipeBuffer::forget_bytes() {
    Lock::Guard guard(lock_);
    if (has_readers() || has_writers()) return;
    used_.store(0, std::memory_order_release);
    head_ = 0;
    drop_pages();
    if (pages_ != inline_pages_) delete[] std::exchange(pages_, inline_pages_);
    capacity_.store(default_pages * page_size, std::memory_order_relaxed);
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

/// Moves the pages that hold bytes, the head's first. A full ring's last bytes may lie in front of its first, in one page.
void PipeBuffer::move_pages(mm::FrameRef* to, mm::FrameRef& spare) {
    u64 const pages = capacity() / page_size, first = head_ / page_size;
    u64 const count = (head_ % page_size + used() + page_mask) / page_size;
    if (count > pages) {
        std::memcpy(spare.data(), pages_[first % pages].data(), page_size);
        to[pages] = std::move(spare);
    }
    for (u64 i = 0; i < std::min(count, pages); ++i) to[i] = std::move(pages_[(first + i) % pages]);
    drop_pages();
    held_pages_.store(count, std::memory_order_relaxed);
    head_ %= page_size;
}

Result<u64> PipeBuffer::resize(u64 bytes, bool privileged) {
    if (bytes > (u64{1} << 31)) return fail(EINVAL);
    u64 const wanted = std::bit_ceil(std::max<u64>(bytes, page_size)) / page_size;
    bool const grows = wanted * page_size > capacity();
    if (grows && !privileged && bytes > pipe_max_size.load(std::memory_order_relaxed)) return fail(EPERM);
    auto spare = TRY(mm::frame_allocator.allocate());
    auto* const fresh = new (std::nothrow) mm::FrameRef[wanted];
    if (!fresh) return fail(ENOMEM);
    mm::FrameRef* retired = fresh;
    {
        Lock::Guard guard(lock_);
        u64 const before = charge_.amount();
        if (!charge_.change(wanted, most_pipe_pages(privileged))) return delete[] fresh, fail(EPERM);
        if (used() > wanted * page_size - head_ % page_size) {
            (void)charge_.change(before, ~u64{0});
        } else {
            move_pages(fresh, spare);
            retired = std::exchange(pages_, fresh);
            capacity_.store(wanted * page_size, std::memory_order_relaxed);
        }
    }
    bool const refused = retired == fresh;
    if (retired != inline_pages_) delete[] retired;
    if (refused) return fail(EBUSY);
    announce_room(false);
    return wanted * page_size;
}

}
