// SPDX-License-Identifier: MIT
// signalfd(2). A signalfd reads its reader's signals. Waiters can queue neither at the file, which several processes may read,
// nor at the process, which a poll may outlive: they use a static array of queues, indexed by the process's number.
#include "kernel/process/signal/signal_file.h"

#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/signalfd.h>

#include "kernel/ipc/nameless.h"
#include "kernel/process/process.h"
#include "kernel/process/signal/default_actions.h"
#include "kernel/process/signal/signal.h"

namespace process {
namespace {

constinit sched::WaitQueue bells[64];

sched::WaitQueue& bell_of(Process const& process) { return bells[static_cast<u32>(process.pid().value) % std::size(bells)]; }

constinit char const kind_mark = 0;

class SignalFile final : public fs::File {
public:
    SignalFile(Ref<fs::Dentry> dentry, u32 flags, SignalMask mask) : File(std::move(dentry), flags), mask_(mask) {}
    bool is_seekable() const override { return false; }
    Result<> can_be_written() const override { return fail(EINVAL); }
    void const* kind() const override { return &kind_mark; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    Result<> truncate(u64) override { return fail(EINVAL); }
    Result<> synchronise() override { return fail(EINVAL); }
    // Ordering: relaxed; it is one word, and a concurrent reader may use either mask.
    SignalMask mask() const { return mask_.load(std::memory_order_relaxed); }
    void set_mask(SignalMask mask) { mask_.store(mask, std::memory_order_relaxed); }
    MM_OBJECT_CACHE(SignalFile)
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override;
private:
    Result<size_t> read_some(mm::IoBuffer& buffer, u64 size);
    Result<SignalInfo> wait_for_one(UserThread& thread) const;
    std::atomic<SignalMask> mask_;
};

MM_OBJECT_CACHE_DEFINE(SignalFile)

/// A signal as struct signalfd_siginfo: only the fields that the signal has are set.
signalfd_siginfo encode(SignalInfo const& info) {
    static_assert(sizeof(signalfd_siginfo) == 128);
    signalfd_siginfo out{};
    bool const of_cpu = info.code > 0 && info.code != SI_KERNEL;
    out.ssi_signo = static_cast<u32>(info.signal);
    out.ssi_errno = info.error;
    out.ssi_code = info.code;
    if (of_cpu && (fault_signals & mask_of(info.signal))) {
        out.ssi_addr = info.address;
        return out;
    }
    if (info.code == SI_TIMER) {
        out.ssi_tid = static_cast<u32>(info.pid);
        out.ssi_overrun = info.uid;
    } else {
        out.ssi_pid = static_cast<u32>(info.pid);
        out.ssi_uid = info.uid;
    }
    if (info.signal == SIGCHLD && of_cpu) {
        out.ssi_status = info.status;
        out.ssi_utime = info.address;
        out.ssi_stime = info.value;
    } else if (info.code < 0 && info.code != SI_TKILL) {
        out.ssi_ptr = info.value;
        out.ssi_int = static_cast<i32>(info.value);
    }
    return out;
}

Result<SignalInfo> SignalFile::wait_for_one(UserThread& thread) const {
    auto taken = take_signal(thread, mask());
    if (taken) return *taken;
    if (flags() & O_NONBLOCK) return fail(EAGAIN);
    TRY(bell_of(thread.process()).wait([&] {
        if (!taken) taken = take_signal(thread, mask());
        return taken.has_value();
    }));
    return *taken;
}

Result<size_t> SignalFile::do_read(u64, mm::IoBuffer& buffer) {
    return mm::for_each_part(buffer, [&](u64 size) { return read_some(buffer, size); });
}

/// Reads as many as are pending and fit. As in Linux, a signal that cannot be written is lost, and the count covers those before it.
Result<size_t> SignalFile::read_some(mm::IoBuffer& buffer, u64 size) {
    UserThread& thread = current_user_thread();
    if (size < sizeof(signalfd_siginfo)) return fail(EINVAL);
    auto info = TRY(wait_for_one(thread));
    for (size_t done = 0;;) {
        signalfd_siginfo const out = encode(info);
        if (!buffer.copy_whole_out(&out, sizeof out)) return done ? Result<size_t>(done) : fail(EFAULT);
        done += sizeof out;
        if (size - done < sizeof out) return done;
        auto const next = take_signal(thread, mask());
        if (!next) return done;
        info = *next;
    }
}

fs::PollEvents SignalFile::poll(sched::WaitQueue*& queue_out) {
    UserThread const* thread = current_user_thread_or_null();
    queue_out = thread ? &bell_of(thread->process()) : &bells[0];
    return thread && (pending_signals(*thread) & mask()) ? POLLIN : 0u;
}

}

void ring_signal_bell(Process const& process) { bell_of(process).wake_all(); }

Result<Ref<fs::File>> make_signal_file(SignalMask mask, u32 flags, fs::Credentials const& who) {
    auto dentry = TRY(ipc::make_nameless("signalfd", who));
    return TRY(mm::make_ref<SignalFile>(std::move(dentry), O_RDWR | (flags & O_NONBLOCK), mask & ~unblockable_signals));
}

Result<> set_mask(fs::File& file, SignalMask mask) {
    if (file.kind() != &kind_mark) return fail(EINVAL);
    static_cast<SignalFile&>(file).set_mask(mask & ~unblockable_signals);
    ring_signal_bell(current_process());
    return {};
}

}
