// SPDX-License-Identifier: MIT
// Which of an epoll's watches may have something to tell. No locks: all but count() is called under the epoll's spin lock;
// what ends with "(looker)" by the one who holds its look lock as well.
//
//     Outside --wake, add--> Listed --take--> Asked --settle--> Outside, or Listed again
//
// Asked is with the one who looks, who asks the file without the spin lock. A wake that comes meanwhile is remembered, so
// that the watch goes back into the list: what the file said may be old. An asked watch counts as ready until it is settled:
// nobody is denied it, or goes to sleep on it, while somebody else looks. See kernel/ipc/README.md.
#pragma once

#include <atomic>

#include <linux/eventpoll.h>

#include <base/intrusive.h>

namespace ipc {

/// What a ready list knows of a watch.
struct ReadyEntry {
    enum class Place : u8 { Outside, Listed, Asked };
    static constexpr u32 event_bits = ~u32{EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE};

    bool is_armed() const { return wanted & event_bits; }
    base::ListHook ready_hook;
    u32 wanted = 0;                              ///< no event bits: disarmed (EPOLLONESHOT); changed by lookers only
    Place place = Place::Outside;
    bool was_woken = false;                      ///< while it was asked
};

class ReadyList {
public:
    /// What the looker found out.
    enum class Answer : u8 {
        NotReady,
        Told,                                    ///< its events have been given to a program
        StaysFirst,                              ///< it is ready, and nobody was told
    };

    /// Listed or asked. Any context, no lock.
    u32 count() const { return count_.load(std::memory_order_acquire); }

    /// Its file says that `events` have come true (0: any). True: those who wait for the epoll are to be woken.
    bool wake(ReadyEntry& entry, u32 events) {
        if (!entry.is_armed() || (events && !(events & entry.wanted))) return false;
        if (entry.place == ReadyEntry::Place::Asked) entry.was_woken = true;
        else add(entry);
        return true;
    }
    /// It is known to be ready. True: it was not listed.
    bool add(ReadyEntry& entry) {
        if (entry.place != ReadyEntry::Place::Outside) return false;
        list_last(entry);
        set_count(count() + 1);
        return true;
    }
    /// The first, to be asked (looker). Null: none.
    ReadyEntry* take() {
        if (list_.empty()) return nullptr;
        ReadyEntry& entry = list_.front();
        list_.pop_front();
        entry.place = ReadyEntry::Place::Asked;
        entry.was_woken = false;
        return &entry;
    }
    /// Of what was taken (looker). Told: a one-shot watch is disarmed in the same step; a level-triggered one stays listed.
    void settle(ReadyEntry& entry, Answer answer) {
        bool stays = entry.was_woken;
        if (answer == Answer::StaysFirst) {
            entry.place = ReadyEntry::Place::Listed;
            list_.push_front(entry);
            return;
        }
        if (answer == Answer::Told && (entry.wanted & EPOLLONESHOT)) entry.wanted &= ~ReadyEntry::event_bits;
        else if (answer == Answer::Told && !(entry.wanted & EPOLLET)) stays = true;
        if (stays && entry.is_armed()) return list_last(entry);
        entry.place = ReadyEntry::Place::Outside;
        set_count(count() - 1);
    }
    /// The watch ends (looker).
    void remove(ReadyEntry& entry) {
        if (entry.place == ReadyEntry::Place::Outside) return;
        list_.erase(list_.iterator_to(entry));
        entry.place = ReadyEntry::Place::Outside;
        set_count(count() - 1);
    }

private:
    void list_last(ReadyEntry& entry) {
        entry.place = ReadyEntry::Place::Listed;
        list_.push_back(entry);
    }
    // Ordering: release, with the acquire in count(): who sees it sees what was done before.
    void set_count(u32 count) { count_.store(count, std::memory_order_release); }
    base::List<ReadyEntry, &ReadyEntry::ready_hook> list_;
    std::atomic<u32> count_{0};                  ///< written under the spin lock
};

}
