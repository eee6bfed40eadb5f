// SPDX-License-Identifier: MIT
// poll(2), ppoll(2), select(2), pselect6(2): how each names its files; ipc::PollSet waits for them.
#include <algorithm>
#include <cstddef>

#include "kernel/ipc/poll_set.h"
#include "kernel/syscall/arguments.h"
#include "kernel/syscall/files/files.h"
#include "kernel/syscall/files/wait_time.h"

namespace syscall {

using ipc::PollSet;

namespace {

Result<> add_polled(Caller& caller, PollSet& set, mm::UserPtr<pollfd> fds, u32 count) {
    for (u32 i = 0; i < count; ++i) {
        pollfd const entry = TRY((fds + i).read());
        if (entry.fd < 0) continue;
        auto file = usable_file(caller, Fd(entry.fd));
        TRY(set.add(i, file ? std::move(*file) : nullptr, static_cast<u16>(entry.events) | POLLERR | POLLHUP));
    }
    return {};
}

Result<> write_events(mm::UserPtr<pollfd> to, u32 index, u32 events) {
    u64 const place = (to + index).address().value() + offsetof(pollfd, revents);
    return mm::UserPtr<u16>(place).write(static_cast<u16>(events));
}

/// revents of every entry; of those that name no file, 0.
Result<> write_polled(PollSet& set, mm::UserPtr<pollfd> fds, u32 count) {
    u32 next = 0;
    TRY(set.for_each([&](PollSet::Item& item) -> Result<> {
        for (; next < item.index; ++next) TRY(write_events(fds, next, 0));
        return write_events(fds, next++, item.ready);
    }));
    for (; next < count; ++next) TRY(write_events(fds, next, 0));
    return {};
}

Result<u32> poll_until(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, u64 deadline_ns) {
    if (count > descriptor_limit(caller)) return fail(EINVAL);
    PollSet set;
    TRY(add_polled(caller, set, fds, count));
    auto const ready = set.wait(deadline_ns);
    if (!ready) return fail(restart_no_hand);
    TRY(write_polled(set, fds, count));
    return ready;
}

// ---------------------------------------------------------------- select

constexpr u32 word_bits = 64;
constexpr u32 read_events = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL;
constexpr u32 write_ready_events = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL;
constexpr u32 except_events = POLLPRI;
constexpr u32 set_events[] = {read_events, write_ready_events, except_events};

/// The three sets of a select, by address. A null one is empty.
struct SelectSets {
    mm::UserPtr<u64> sets[3];
    u32 count;                             ///< descriptors below it are looked at

    Result<> read_words(u32 word, u64 (&words)[3]) const {
        u32 const left = count - word * word_bits;
        u64 const mask = left >= word_bits ? ~u64{0} : (u64{1} << left) - 1;
        for (int i = 0; i < 3; ++i) words[i] = sets[i].is_null() ? 0 : TRY((sets[i] + word).read()) & mask;
        return {};
    }
    Result<> write_words(u32 word, u64 const (&words)[3]) const {
        for (int i = 0; i < 3; ++i)
            if (!sets[i].is_null()) TRY((sets[i] + word).write(words[i]));
        return {};
    }
    u32 words() const { return (count + word_bits - 1) / word_bits; }
};

Result<> add_selected(Caller& caller, PollSet& set, SelectSets const& sets) {
    for (u32 word = 0; word < sets.words(); ++word) {
        u64 words[3];
        TRY(sets.read_words(word, words));
        for (u64 left = words[0] | words[1] | words[2]; left; left &= left - 1) {
            auto const bit = static_cast<u32>(__builtin_ctzll(left));
            u32 wanted = 0;
            for (int i = 0; i < 3; ++i) wanted |= words[i] >> bit & 1 ? set_events[i] : 0;
            u32 const number = word * word_bits + bit;
            TRY(set.add(number, TRY(usable_file(caller, Fd(static_cast<i32>(number)))), wanted));
        }
    }
    return {};
}

/// The sets again, with those that are ready only; how many bits are set.
Result<u32> write_selected(PollSet& set, SelectSets const& sets) {
    u32 word = 0, bits = 0;
    u64 words[3] = {};
    auto const reach = [&](u32 target) -> Result<> {
        for (; word < target; ++word) {
            TRY(sets.write_words(word, words));
            words[0] = words[1] = words[2] = 0;
        }
        return {};
    };
    TRY(set.for_each([&](PollSet::Item& item) -> Result<> {
        u64 asked[3];
        TRY(reach(item.index / word_bits));
        TRY(sets.read_words(word, asked));     // not written yet
        for (int i = 0; i < 3; ++i) {
            if (!(asked[i] >> (item.index % word_bits) & 1) || !(item.ready & set_events[i])) continue;
            words[i] |= u64{1} << (item.index % word_bits);
            ++bits;
        }
        return {};
    }));
    TRY(reach(sets.words()));
    return bits;
}

Result<u32> select_until(Caller& caller, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, u64 deadline_ns) {
    if (count < 0) return fail(EINVAL);
    SelectSets const sets{{in, out, except}, std::min(static_cast<u32>(count), caller.thread.descriptors->capacity())};
    PollSet set;
    TRY(add_selected(caller, set, sets));
    auto const ready = set.wait(deadline_ns);
    if (!ready) return fail(restart_no_hand);
    return write_selected(set, sets);
}

}

Result<u32> sys_poll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, i32 timeout_ms) {
    return poll_until(caller, fds, count, WaitTime::milliseconds(timeout_ms).deadline_ns());
}

Result<u32> sys_ppoll(Caller& caller, mm::UserPtr<pollfd> fds, u32 count, UserAddr timeout, mm::UserPtr<process::SignalMask> mask, u64 size) {
    auto const time = TRY(WaitTime::timespec_at(timeout));
    auto const result = with_mask(caller, mask, size, [&] { return poll_until(caller, fds, count, time.deadline_ns()); });
    time.write_rest_as_timespec(timeout);
    return result;
}

Result<u32> sys_select(Caller& caller, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout) {
    auto const time = TRY(WaitTime::timeval_at(timeout));
    auto const result = select_until(caller, count, in, out, except, time.deadline_ns());
    time.write_rest_as_timeval(timeout);
    return result;
}

Result<u32> sys_pselect6(Caller& caller, i32 count, mm::UserPtr<u64> in, mm::UserPtr<u64> out, mm::UserPtr<u64> except, UserAddr timeout,
                         mm::UserPtr<UserMask> mask_address) {
    UserMask const mask = mask_address.is_null() ? UserMask{} : TRY(mask_address.read());
    auto const time = TRY(WaitTime::timespec_at(timeout));
    auto const result = with_mask(caller, mm::UserPtr<process::SignalMask>(mask.address), mask.size,
                                  [&] { return select_until(caller, count, in, out, except, time.deadline_ns()); });
    time.write_rest_as_timespec(timeout);
    return result;
}

}
