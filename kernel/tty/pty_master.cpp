// SPDX-License-Identifier: MIT
// The master of a pseudo-terminal: ptmx(4), TIOCPKT in ioctl_tty(2). Its reads empty the pair's ring, its writes are the
// slave's typed input. No program memory is accessed under a lock.
#include <algorithm>

#include <abi/signal.h>
#include <asm/ioctls.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "kernel/tty/pty.h"

namespace tty {

namespace {

constexpr size_t chunk_size = 512;

class MasterFile final : public fs::File {
public:
    MasterFile(Ref<fs::Dentry> dentry, u32 flags, Ref<PtyPair> pair) : File(std::move(dentry), flags), pair_(std::move(pair)) {}
    ~MasterFile() override { pair_->close_master(); }
    static MasterFile* from(fs::File& file) { return file.kind() == &kind_mark ? static_cast<MasterFile*>(&file) : nullptr; }
    void const* kind() const override { return &kind_mark; }
    PtyPair& pair() const { return *pair_; }
    bool is_seekable() const override { return false; }
    Result<i64> ioctl(u32 command, u64 argument) override { return pair_->master_ioctl(command, argument, flags()); }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override { return pair_->master_poll(queue_out); }
protected:
    Result<size_t> do_read(u64, mm::IoBuffer& buffer) override { return pair_->master_read(flags(), buffer); }
    Result<size_t> do_write(u64, mm::IoBuffer& buffer) override { return pair_->master_write(flags(), buffer); }
private:
    static inline char const kind_mark = 0;
    Ref<PtyPair> pair_;
};

Result<i64> write_int(u64 address, i32 value) {
    TRY(mm::UserPtr<i32>(address).write(value));
    return 0;
}

}

Result<Ref<fs::File>> open_pty_master(fs::Dentry& dentry, u32 flags, u64) {
    auto pair = TRY(PtyPair::create());
    return TRY(mm::make_ref<MasterFile>(Ref<fs::Dentry>::share(&dentry), flags, std::move(pair)));
}

Result<Ref<fs::File>> open_pty_peer(fs::File& file, u32 flags, fs::Credentials const& who) {
    auto* const master = MasterFile::from(file);
    if (!master) {
        TRY(file.ioctl(TIOCGPTPEER, flags));
        return fail(ENOTTY);
    }
    auto const name = slave_name(master->pair().index());
    if (!name) return fail(name.error() == Errno(ENOENT) ? Errno(EIO) : name.error());
    return fs::vfs.open_dentry(**name, who, flags);
}

// ---------------------------------------------------------------- reading and writing

size_t PtyPair::take(std::span<char> out) {
    Locked guard(lock_);
    size_t count = 0;
    if (packets_ && status_ != 0) {
        out[0] = static_cast<char>(std::exchange(status_, u8{0}));
        return 1;
    }
    if (head_ == tail_) return 0;
    if (packets_) out[count++] = TIOCPKT_DATA;
    while (count < out.size() && head_ != tail_) out[count++] = ring_[tail_++ % ring_size];
    return count;
}

bool PtyPair::has_something() {
    Locked guard(lock_);
    return head_ != tail_ || (packets_ && status_ != 0);
}

bool PtyPair::is_slave_gone() {
    Locked guard(lock_);
    return slave_was_closed_;
}

/// Reads what is there, up to the size of the buffer; in packet mode one packet.
Result<size_t> PtyPair::master_read(u32 flags, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    char chunk[chunk_size];
    size_t total = 0;
    for (;;) {
        bool const ended = is_slave_gone();            // read first, so that the slave's last output is seen
        bool packets;
        {
            Locked guard(lock_);
            packets = packets_;
        }
        size_t const count = take({chunk, std::min<size_t>(sizeof chunk, buffer.remaining())});
        if (count != 0) {
            terminal.output_ready();
            auto const copied = buffer.copy_out(chunk, count);
            if (!copied) return total ? Result<size_t>(total) : fail(copied.error());
            total += *copied;
            if (packets || *copied < count || buffer.remaining() == 0) return total;
            continue;
        }
        if (total != 0) return total;
        if (ended) return fail(EIO);
        if (flags & O_NONBLOCK) return fail(EAGAIN);
        if (!master_changes_.wait([&] { return has_something() || is_slave_gone(); })) return fail(restart_sys);
    }
}

Result<size_t> PtyPair::master_write(u32 flags, mm::IoBuffer& buffer) {
    char chunk[chunk_size];
    size_t total = 0;
    while (buffer.remaining() != 0) {
        auto const length = buffer.copy_in(chunk, std::min<size_t>(sizeof chunk, buffer.remaining()));
        if (!length) return total ? Result<size_t>(total) : fail(length.error());
        for (size_t done = 0; done < *length;) {
            size_t const count = terminal.offer({chunk + done, *length - done});
            done += count, total += count;
            if (done == *length) break;
            if (flags & O_NONBLOCK) return total ? Result<size_t>(total) : fail(EAGAIN);
            if (!master_changes_.wait([&] { return terminal.input_room() != 0; })) return total ? Result<size_t>(total) : fail(restart_sys);
        }
    }
    return total;
}

fs::PollEvents PtyPair::master_poll(sched::WaitQueue*& queue_out) {
    queue_out = &master_changes_;
    fs::PollEvents events = terminal.input_room() != 0 ? POLLOUT | POLLWRNORM : 0;
    Locked guard(lock_);
    if (head_ != tail_) events |= POLLIN | POLLRDNORM;
    if (packets_ && status_ != 0) events |= POLLPRI | POLLIN | POLLRDNORM;
    if (slave_was_closed_) events |= POLLHUP;
    return events;
}

// ---------------------------------------------------------------- ioctl_tty(2)

Result<i64> PtyPair::packet_mode(u64 argument) {
    bool const on = TRY(mm::UserPtr<i32>(argument).read()) != 0;
    Locked guard(lock_);
    if (on && !packets_) status_ = 0;
    packets_ = on;
    return 0;
}

Result<i64> PtyPair::lock_slave(u64 argument) {
    bool const on = TRY(mm::UserPtr<i32>(argument).read()) != 0;
    Locked guard(lock_);
    locked_ = on;
    return 0;
}

Result<i64> PtyPair::send_signal(u64 signal) {
    if (signal != SIGINT && signal != SIGQUIT && signal != SIGTSTP) return fail(EINVAL);
    terminal.signal_foreground(static_cast<int>(signal));
    return 0;
}

/// TCFLSH on the master, whose input is the slave's output.
Result<i64> PtyPair::flush(u64 argument) {
    if (argument > TCIOFLUSH) return fail(EINVAL);
    if (argument != TCOFLUSH) {
        {
            Locked guard(lock_);
            tail_ = head_;
        }
        terminal.output_ready();
    }
    return 0;
}

Result<i64> PtyPair::master_ioctl(u32 command, u64 argument, u32 flags) {
    auto const read = [&](auto&& value) {
        Locked guard(lock_);
        return static_cast<i32>(value());
    };
    switch (command) {
    case TIOCGPTN: return write_int(argument, static_cast<i32>(index_));
    case TIOCSPTLCK: return lock_slave(argument);
    case TIOCGPTLCK: return write_int(argument, read([&]() NO_THREAD_SAFETY_ANALYSIS { return locked_; }));
    case TIOCPKT: return packet_mode(argument);
    case TIOCGPKT: return write_int(argument, read([&]() NO_THREAD_SAFETY_ANALYSIS { return packets_; }));
    case TIOCINQ: return write_int(argument, read([&]() NO_THREAD_SAFETY_ANALYSIS { return head_ - tail_; }));
    case TIOCOUTQ: return write_int(argument, 0);
    case TIOCSIG: return send_signal(argument);
    case TIOCEXCL: return exclusive_.store(true), 0;
    case TIOCNXCL: return exclusive_.store(false), 0;
    case TIOCGEXCL: return write_int(argument, exclusive_.load());
    case TCFLSH: return flush(argument);
    case TIOCGPGRP: return write_int(argument, terminal.foreground_group().value);
    case TIOCGSID: {
        Pid const session = terminal.session();
        return session.value != 0 ? write_int(argument, session.value) : fail(ENOTTY);
    }
    case TIOCSTI:
    case TIOCNOTTY:
    case TCXONC:
    case TIOCVHANGUP: return fail(ENOTTY);
    default: return terminal.ioctl(command, argument, Use(flags & O_ACCMODE, 0, true));
    }
}

}
