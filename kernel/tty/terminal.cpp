// SPDX-License-Identifier: MIT
// Terminal: input from the driver, read(2), write(2) and poll(2). A reader waits without any
// lock, then takes its line under reading_; a writer holds writing_ while it waits for
// the device, so that the output of two writers does not mix.
#include "kernel/tty/terminal.h"

#include <algorithm>
#include <bit>

#include <abi/signal.h>
#include <linux/fcntl.h>
#include <linux/poll.h>

#include "sched/clock.h"

namespace tty {

namespace {

constexpr size_t read_chunk = 256;
constexpr size_t write_chunk = 256;
/// With less room than this a sleeping writer is not woken, since otherwise it would be woken for every byte.
constexpr size_t worthwhile_room = 64;
constexpr u64 deciseconds = 100 * ns_per_ms;

}

// ---------------------------------------------------------------- from the driver

void Terminal::input(std::span<char const> bytes) {
    u32 raised = 0;
    base::HeldPid group;
    bool readable;
    {
        Locked guard(lock_);
        for (char byte : bytes) discipline_.input(byte, *this);
        raised = std::exchange(raised_, 0);
        if (raised) group = foreground_;
        last_input_ns_ = sched::clock.monotonic_ns();
        readable = discipline_.readable() != 0;
    }
    after_input(raised, group, readable);
}

size_t Terminal::offer(std::span<char const> bytes) {
    size_t count = 0;
    u32 raised;
    base::HeldPid group;
    bool readable;
    {
        Locked guard(lock_);
        for (; count != bytes.size() && discipline_.input_room() != 0; ++count) discipline_.input(bytes[count], *this);
        if (count != bytes.size()) input_refused_ = true;
        raised = std::exchange(raised_, 0);
        if (raised) group = foreground_;
        if (count != 0) last_input_ns_ = sched::clock.monotonic_ns();
        readable = discipline_.readable() != 0;
    }
    after_input(raised, group, readable);
    return count;
}

void Terminal::after_input(u32 raised, base::HeldPid const& group, bool readable) {
    if (raised) deliver(raised, group);
    if (readable || output_wanted_.load()) changes_.wake_all();
}

void Terminal::deliver(u32 raised, base::HeldPid const& group) {
    SignalTarget* const target = signal_target.get();
    if (!target || !group) return;
    for (; raised; raised &= raised - 1) target->signal_group(group, std::countr_zero(raised));
}

size_t Terminal::input_room() {
    Locked guard(lock_);
    size_t const room = discipline_.input_room();
    if (room == 0) input_refused_ = true;
    return room;
}

void Terminal::output_ready() {
    {
        Locked guard(lock_);
        discipline_.flush_echo(*this);
    }
    if (!output_wanted_.load()) return;
    if (!has_output_room()) return;
    output_wanted_.store(false);
    changes_.wake_all();
}

// ---------------------------------------------------------------- reading

Terminal::Patience Terminal::patience(size_t wanted) {
    Locked guard(lock_);
    ::termios const& settings = discipline_.settings();
    if (settings.c_lflag & ICANON) return {1, sched::no_deadline, sched::no_deadline};
    size_t const minimum = settings.c_cc[VMIN];
    u64 const time = settings.c_cc[VTIME] * deciseconds;
    if (minimum == 0) return {1, time, sched::no_deadline};
    return {std::min(minimum, wanted), sched::no_deadline, time ? time : sched::no_deadline};
}

bool Terminal::is_readable(size_t minimum) {
    Locked guard(lock_);
    if (discipline_.settings().c_lflag & ICANON) minimum = 1;
    return discipline_.readable() >= minimum;
}

/// Returns when a read would return bytes, or may return none (VTIME has passed). EAGAIN, restart_sys.
Result<> Terminal::wait_for_input(Use use, size_t wanted) {
    Patience const patience = this->patience(wanted);
    if (is_readable(patience.minimum)) return {};
    bool const first = is_readable(1);
    if (use.flags & O_NONBLOCK) {
        if (first || patience.first_byte_ns == 0) return {};
        return fail(EAGAIN);
    }
    if (patience.first_byte_ns == 0) return {};
    size_t const minimum = patience.between_bytes_ns == sched::no_deadline ? patience.minimum : 1;
    u64 const deadline = patience.first_byte_ns == sched::no_deadline ? sched::no_deadline
                                                                      : sched::clock.monotonic_ns() + patience.first_byte_ns;
    auto const waited = changes_.wait([&] { return is_readable(minimum) || is_hung_up(use); }, sched::Interruptible::Yes, deadline);
    if (!waited && waited.error().value != ETIMEDOUT) {
        if (is_readable(1)) return {};
        return fail(restart_sys);
    }
    return wait_between_bytes(use, patience);
}

/// VMIN and VTIME are both set: each byte may come up to VTIME after the previous one.
Result<> Terminal::wait_between_bytes(Use use, Patience const& patience) {
    if (patience.between_bytes_ns == sched::no_deadline) return {};
    auto const is_done = [&] { return is_readable(patience.minimum) || is_hung_up(use); };
    for (;;) {
        u64 deadline;
        {
            Locked guard(lock_);
            deadline = last_input_ns_ + patience.between_bytes_ns;
        }
        if (is_done() || sched::clock.monotonic_ns() >= deadline) return {};
        auto const waited = changes_.wait(is_done, sched::Interruptible::Yes, deadline);
        if (!waited && waited.error().value != ETIMEDOUT) return {};
    }
}

void Terminal::after_reading(Lock::Guard const&) {
    // An incomplete line may leave little room, but its end must be accepted.
    if (!input_refused_ || (discipline_.input_room() < LineDiscipline::capacity / 4 && discipline_.readable() != 0)) return;
    input_refused_ = false;
    device_->resume_input();
}

/// Takes one line, or in raw mode what is there, up to the size of the buffer.
Result<ReadOutcome> Terminal::take_input(mm::IoBuffer& buffer) {
    Locked reader(reading_);
    ReadOutcome all;
    char chunk[read_chunk];
    while (buffer.remaining() != 0) {
        ReadOutcome piece;
        {
            Locked guard(lock_);
            piece = discipline_.read({chunk, std::min<size_t>(sizeof chunk, buffer.remaining())});
            after_reading(guard);
        }
        if (piece.bytes != 0) all.bytes += TRY(buffer.copy_out(chunk, piece.bytes));
        all.end = piece.end;
        if (piece.end != ReadEnd::Full) break;
    }
    return all;
}

Result<size_t> Terminal::read(Use use, mm::IoBuffer& buffer) {
    if (buffer.remaining() == 0) return 0;
    for (;;) {
        if (is_hung_up(use)) return 0;
        TRY(check_foreground(SIGTTIN));
        TRY(wait_for_input(use, buffer.remaining()));
        if (is_hung_up(use)) return 0;
        auto const outcome = TRY(take_input(buffer));
        if (outcome.bytes != 0 || outcome.end == ReadEnd::Delimiter) return outcome.bytes;
        if (patience(1).first_byte_ns != sched::no_deadline) return 0;
    }
}

// ---------------------------------------------------------------- writing

bool Terminal::has_output_room() {
    Locked guard(lock_);
    return !discipline_.is_stopped() && device_->room() >= worthwhile_room;
}

bool Terminal::stops_background_output() {
    Locked guard(lock_);
    return discipline_.settings().c_lflag & TOSTOP;
}

Result<> Terminal::begin_writing(u32 flags) {
    if (!writing_.exchange(true)) return {};
    if (flags & O_NONBLOCK) return fail(EAGAIN);
    if (!changes_.wait([&] { return !writing_.exchange(true); })) return fail(restart_sys);
    return {};
}

void Terminal::end_writing() {
    writing_.store(false);
    if (changes_.has_waiters()) changes_.wake_all();
}

Result<size_t> Terminal::write_all(Use use, mm::IoBuffer& buffer) {
    char chunk[write_chunk];
    size_t total = 0;
    auto const has_room = [&] { output_wanted_.store(true); return has_output_room() || is_hung_up(use); };
    while (buffer.remaining() != 0) {
        auto const length = buffer.copy_in(chunk, std::min<size_t>(sizeof chunk, buffer.remaining()));
        if (!length) return total ? Result<size_t>(total) : fail(length.error());
        for (size_t done = 0; done < *length;) {
            if (is_hung_up(use)) return total ? Result<size_t>(total) : fail(EIO);
            size_t taken;
            {
                Locked guard(lock_);
                taken = discipline_.write({chunk + done, *length - done}, *this);
            }
            device_->settle();
            done += taken, total += taken;
            if (done == *length) break;
            if (taken != 0) continue;
            if (use.flags & O_NONBLOCK) return total ? Result<size_t>(total) : fail(EAGAIN);
            auto const waited = changes_.wait(has_room);
            if (!waited) return total ? Result<size_t>(total) : fail(restart_sys);
        }
    }
    return total;
}

Result<size_t> Terminal::write(Use use, mm::IoBuffer& buffer) {
    if (is_hung_up(use)) return fail(EIO);
    if (buffer.remaining() == 0) return 0;
    if (stops_background_output()) TRY(check_foreground(SIGTTOU));
    TRY(begin_writing(use.flags));
    auto const result = write_all(use, buffer);
    end_writing();
    return result;
}

Result<> Terminal::wait_for_drain(Use use) {
    auto const drained = [&] {
        if (is_hung_up(use)) return true;
        output_wanted_.store(true);
        Locked guard(lock_);
        return device_->pending() == 0;
    };
    if (!changes_.wait(drained)) return fail(restart_sys);
    return {};
}

fs::PollEvents Terminal::poll(sched::WaitQueue*& queue_out, Use use) {
    queue_out = &changes_;
    if (is_hung_up(use)) return POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM | POLLERR | POLLHUP;
    size_t minimum = 1;
    {
        Locked guard(lock_);
        ::termios const& settings = discipline_.settings();
        if (!(settings.c_lflag & ICANON) && settings.c_cc[VTIME] == 0) minimum = std::max<size_t>(settings.c_cc[VMIN], 1);
    }
    fs::PollEvents events = is_readable(minimum) ? POLLIN | POLLRDNORM : 0;
    if (has_output_room()) events |= POLLOUT | POLLWRNORM;
    else output_wanted_.store(true);
    return events;
}

}
