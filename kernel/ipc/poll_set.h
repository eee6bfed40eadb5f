// SPDX-License-Identifier: MIT
// What poll(2) and select(2) share: a waiter in the queue of each file, then one sleep. The waiters are in heap chunks of about
// a page, for the duration of the call.
#pragma once

#include <linux/poll.h>

#include "kernel/fs/file.h"
#include "mm/heap.h"
#include "sched/wait_queue.h"

namespace ipc {

/// The files of one call and, while it sleeps, its place in their queues.
class PollSet {
public:
    /// The most descriptors that one call may wait for; beyond it ENOMEM. Limits the kernel memory of a call (about 4 MiB).
    static constexpr u32 most_items = 1u << 15;

    struct Item {
        u32 index = 0;                     ///< the caller's: place in the array, or descriptor
        u32 wanted = 0;                    ///< events
        u32 ready = 0;                     ///< the events that hold; POLLNVAL if there is no file
        Ref<fs::File> file;                ///< may be null
        sched::WaitQueue* queue = nullptr;     ///< which the file wakes on a change; null: none
        sched::WaitQueue::Waiter* waiting = nullptr;
        alignas(sched::WaitQueue::Waiter) std::byte waiter[sizeof(sched::WaitQueue::Waiter)];
    };

    PollSet() = default;
    PollSet(PollSet const&) = delete;
    ~PollSet();

    /// ENOMEM.
    Result<> add(u32 index, Ref<fs::File> file, u32 wanted);
    /// Sleeps until a file is ready. Returns how many are, 0 at the deadline. EINTR.
    Result<u32> wait(u64 deadline_ns);
    /// In the order of add().
    template <class Visit>
    Result<> for_each(Visit&& visit) {
        for (Chunk* chunk = first_; chunk; chunk = chunk->next)
            for (u32 i = 0; i < chunk->count; ++i) TRY(visit(chunk->items()[i]));
        return {};
    }

private:
    struct Chunk {
        Chunk* next = nullptr;
        u32 count = 0;
        alignas(Item) std::byte storage[(4096 - 32) / sizeof(Item) * (sizeof(Item))];
        Item* items() { return reinterpret_cast<Item*>(storage); }
    };
    static constexpr u32 per_chunk = (4096 - 32) / sizeof(Item);
    u32 look();
    void enter();
    bool is_woken();
    void leave();
    Chunk* first_ = nullptr;
    Chunk* last_ = nullptr;
    u32 count_ = 0;
};

}
