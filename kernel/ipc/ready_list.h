// SPDX-License-Identifier: MIT
// Which of an epoll's watches may have events to report. It has no locks: all but count() is called under the epoll's spin lock;
// functions marked "(looker)" also need its look lock.
//
//     Outside --wake, add--> Listed --take--> Asked --settle--> Outside, or Listed again
//
// An Asked watch belongs to the looker, which asks the file without the spin lock. A wake-up in that time is remembered and puts
// the watch back into the list, since the file's answer may be outdated. An Asked watch counts as ready until it is settled, so
// that no thread misses it or goes to sleep while another one looks. See kernel/ipc/README.md.
#pragma once

#include <atomic>

#include <linux/eventpoll.h>

#include <base/intrusive.h>

namespace ipc {

/// The state of a watch in its ready list.
struct ReadyEntry {
    enum class Place : u8 { Outside, Listed, Asked };
    static constexpr u32 event_bits = ~u32{EPOLLET | EPOLLONESHOT | EPOLLWAKEUP | EPOLLEXCLUSIVE};

    bool is_armed() const { return wanted & event_bits; }
    base::ListHook ready_hook;
    u32 wanted = 0;                              ///< no event bits: disarmed (EPOLLONESHOT); only lookers change it
    Place place = Place::Outside;
    bool was_woken = false;                      ///< while it was asked
};

class ReadyList {
public:
    /// The looker's result.
    enum class Answer : u8 {
        NotReady,
        Told,                                    ///< its events have been reported to a program
        StaysFirst,                              ///< it is ready, but was not reported
    };

    /// The number of watches that are Listed or Asked. Any context, no lock.
    u32 count() const { return count_.load(std::memory_order_acquire); }

    /// The watch's file reports that `events` now hold (0: any). True: the waiters of the epoll must be woken.
    bool wake(ReadyEntry& entry, u32 events) {
        if (!entry.is_armed() || (events && !(events & entry.wanted))) return false;
        if (entry.place == ReadyEntry::Place::Asked) entry.was_woken = true;
        else add(entry);
        return true;
    }
    /// The watch is known to be ready. True: it was Outside.
    bool add(ReadyEntry& entry) {
        if (entry.place != ReadyEntry::Place::Outside) return false;
        list_last(entry);
        set_count(count() + 1);
        return true;
    }
    /// Takes the first watch, to be asked (looker). Null: none.
    ReadyEntry* take() {
        if (list_.empty()) return nullptr;
        ReadyEntry& entry = list_.front();
        list_.pop_front();
        entry.place = ReadyEntry::Place::Asked;
        entry.was_woken = false;
        return &entry;
    }
    /// Ends what take() began (looker). Told: a one-shot watch is disarmed in the same step; a level-triggered one stays listed.
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
    // Ordering: release; pairs with the acquire in count(): a reader of the count sees what was done before.
    void set_count(u32 count) { count_.store(count, std::memory_order_release); }
    base::List<ReadyEntry, &ReadyEntry::ready_hook> list_;
    std::atomic<u32> count_{0};                  ///< written under the spin lock
};

}
