// SPDX-License-Identifier: MIT
// Event files. The count is one atomic word, changed by compare-exchange, so there is no lock. Whoever changes it wakes the threads
// that may now proceed.
#include "kernel/ipc/event_file.h"

#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/ipc/nameless.h"

namespace ipc {
namespace {

class EventFile final : public fs::File {
public:
    EventFile(Ref<fs::Dentry> dentry, u32 flags, u64 initial, EventReads reads)
        : File(std::move(dentry), flags), count_(initial), reads_(reads) {}
    bool is_seekable() const override { return false; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    MM_OBJECT_CACHE(EventFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override;
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override;
private:
    static constexpr u64 most = ~u64{0} - 1;             ///< a write that would exceed this waits
    Result<size_t> add(mm::IoBuffer& buffer, u64 size);
    bool blocks() const { return !(flags() & O_NONBLOCK); }
    u64 count() const { return count_.load(std::memory_order_acquire); }

    std::atomic<u64> count_;
    EventReads const reads_;
    sched::WaitQueue readers_, writers_, pollers_;
};

MM_OBJECT_CACHE_DEFINE(EventFile)

Result<size_t> EventFile::do_read(u64, mm::IoBuffer& buffer) {
    if (buffer.remaining() < sizeof(u64)) return fail(EINVAL);
    u64 taken = 0, old = count();
    do {
        while (old == 0) {
            if (!blocks()) return fail(EAGAIN);
            TRY(readers_.wait([this] { return count() != 0; }));
            old = count();
        }
        taken = reads_ == EventReads::One ? 1 : old;
    } while (!count_.compare_exchange_weak(old, old - taken, std::memory_order_acq_rel));
    if (old > taken) readers_.wake_one();                // the next reader's turn
    writers_.wake_all();                                 // they may need different amounts of room
    pollers_.wake_all(POLLOUT);
    TRY(buffer.copy_whole_out(&taken, sizeof taken));    // otherwise it is lost, as in Linux
    return sizeof taken;
}

Result<size_t> EventFile::do_write(u64, mm::IoBuffer& buffer) {
    return mm::for_each_part(buffer, [&](u64 size) { return add(buffer, size); });
}

Result<size_t> EventFile::add(mm::IoBuffer& buffer, u64 size) {
    u64 added = 0;
    if (size < sizeof added) return fail(EINVAL);
    TRY(buffer.copy_whole_in(&added, sizeof added));
    if (added > most) return fail(EINVAL);
    u64 old = count();
    do {
        while (added > most - old) {
            if (!blocks()) return fail(EAGAIN);
            TRY(writers_.wait([&] { return added <= most - count(); }));
            old = count();
        }
    } while (!count_.compare_exchange_weak(old, old + added, std::memory_order_acq_rel));
    if (added) {
        readers_.wake_one();
        pollers_.wake_all(POLLIN);
    }
    return sizeof added;
}

fs::PollEvents EventFile::poll(sched::WaitQueue*& queue_out) {
    queue_out = &pollers_;
    u64 const now = count();
    return (now ? POLLIN : 0u) | (now < most ? POLLOUT : 0u);
}

}

Result<Ref<fs::File>> make_event_file(u32 initial, EventReads reads, u32 flags, fs::Credentials const& who) {
    auto dentry = TRY(make_nameless("eventfd", who));
    return TRY(mm::make_ref<EventFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), u64{initial}, reads));
}

}
