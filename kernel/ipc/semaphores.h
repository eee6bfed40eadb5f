// SPDX-License-Identifier: MIT
// System V semaphores: semget(2) semop(2) semctl(2). The operations of one call happen all or not at all. A caller that cannot
// proceed waits in line at the semaphore of its first impossible operation: only a change of that one can help. Whoever
// changes a value also performs the operations of the waiters that can then proceed, in their order.
// SEM_UNDO adjustments belong both to the set and to the threads that share them.
#pragma once

#include <atomic>
#include <span>

#include <linux/sem.h>

#include <base/intrusive.h>

#include "kernel/ipc/ids.h"
#include "sched/wait_queue.h"

namespace base { class Writer; }

namespace ipc {

class SemaphoreSet;

/// The adjustments that the end of the threads adds to the semaphores of one set.
struct SemaphoreUndo : RefCounted<SemaphoreUndo> {
    Ref<SemaphoreSet> set;
    base::ListHook in_set;                       ///< under the set's lock, while `linked`
    bool linked = false;                         ///< under the set's lock; false from IPC_RMID on
    mm::Buffer storage;                          ///< an i16 for each semaphore; under the set's lock
    Ref<SemaphoreUndo> next;                     ///< in the threads' list
    i16* adjustments() const { return reinterpret_cast<i16*>(storage.data()); }
    MM_OBJECT_CACHE(SemaphoreUndo)
};

/// All undos of a thread and of those that share them with it (CLONE_SYSVSEM): they are applied when the last of these ends.
class SemaphoreUndoList final : public RefCounted<SemaphoreUndoList> {
public:
    ~SemaphoreUndoList() { apply(); }
    /// The undo of `set`; made if there is none. ENOMEM EIDRM.
    Result<Ref<SemaphoreUndo>> of(SemaphoreSet& set);
    /// A thread of `process` ends, and drops `list`, its reference.
    static void leave(Ref<SemaphoreUndoList> list, Pid process);
    MM_OBJECT_CACHE(SemaphoreUndoList)
private:
    void apply();
    std::atomic<i32> left_last_{0};              ///< a process. Ordering: relaxed; the reference count orders it
    sync::Mutex<LockRank::semaphore_undo> lock_;
    Ref<SemaphoreUndo> first_ GUARDED_BY(lock_);
};

class SemaphoreSet final : public RefCounted<SemaphoreSet>, public Identity {
public:
    SemaphoreSet(Requester const& who, u32 flags, u32 count, mm::Buffer storage, Share share)
        : Identity(who, flags), share_(std::move(share)), count_(count), storage_(std::move(storage)) {}
    /// EINVAL ENOSPC ENOMEM.
    static Result<Ref<SemaphoreSet>> create(Requester const& who, u32 count, u32 flags);

    u32 count() const { return count_; }
    /// semtimedop(2). EFBIG EACCES EIDRM EAGAIN ERANGE EINTR ENOMEM. `undos`: the caller's list, made if needed.
    Result<> operate(std::span<sembuf const> operations, u64 deadline_ns, Requester const& who, Ref<SemaphoreUndoList>& undos);
    /// GETVAL GETPID GETNCNT GETZCNT. EINVAL EACCES EIDRM.
    Result<i32> get(u32 number, u32 command, Requester const& who);
    Result<> set_value(u32 number, i32 value, Requester const& who);
    Result<> get_all(std::span<u16> out, Requester const& who);
    Result<> set_all(std::span<u16 const> values, Requester const& who);
    Result<semid64_ds> status(Requester const& who, bool check_rights);
    Result<> change(semid64_ds const& to, Requester const& who);
    void end();
    void write_line(base::Writer& out);
    SemaphoreSet* next_in_bucket = nullptr;      ///< used by the table

    MM_OBJECT_CACHE(SemaphoreSet)
private:
    friend class SemaphoreUndoList;
    struct Semaphore { i32 value = 0; i32 last_pid = 0; };
    struct Waiter {
        base::TreeHook hook;
        u64 place = 0;                           ///< see place_of(); changed only while the waiter is in no tree
        Waiter* next_done = nullptr;             ///< in the list of those whose changes have yet to be examined
        std::span<sembuf const> operations;
        SemaphoreUndo* undo = nullptr;
        i32 pid = 0;
        size_t blocking = 0;                     ///< the operation that it waits for
        int error = 0;
        std::atomic<bool> done{false};           ///< written under lock, after the rest
        sched::WaitQueue wake;                   ///< woken under lock, which the sleeper takes before it goes
        void finish(int with_error);
    };
    struct Order {
        using type = u64;
        u64 operator()(Waiter const& waiter) const { return waiter.place; }
    };
    using Waiters = base::Tree<Waiter, &Waiter::hook, Order>;
    enum class Outcome : u8 { Done, MustWait };
    enum class For : u8 { Zero, More };          ///< what a waiter waits for

    static constexpr u32 sequence_bits = 47;
    static constexpr u64 sequence_mask = (u64{1} << sequence_bits) - 1;
    /// Orders waiters by semaphore, then by what they wait for, then by their arrival.
    static u64 place_of(u32 number, For what, u64 sequence) { return u64{number} << 48 | u64{what == For::More} << sequence_bits | sequence; }
    void enter(Waiter& waiter) REQUIRES(lock);

    Semaphore* all() const REQUIRES(lock) { return reinterpret_cast<Semaphore*>(storage_.data()); }
    Result<Outcome> try_operations(Waiter& who) REQUIRES(lock);
    Result<> step(Waiter& who, sembuf const& operation, bool& blocks) REQUIRES(lock);
    void take_back(Waiter& who, size_t steps) REQUIRES(lock);
    void wake_after(std::span<sembuf const> operations) REQUIRES(lock);
    void wake_all_who_can() REQUIRES(lock);
    void look_at(u32 number, Waiter*& done) REQUIRES(lock);
    bool go_on(u32 number, For what, Waiter*& done) REQUIRES(lock);
    void look_behind(Waiter* done) REQUIRES(lock);
    void forget_adjustments(u32 number) REQUIRES(lock);
    void undo(SemaphoreUndo& undo, Pid process);

    Share const share_;                          ///< of the limit semmns
    u32 const count_;
    mm::Buffer const storage_;                   ///< the Semaphores; their values under lock
    Waiters waiters_ GUARDED_BY(lock);
    u64 sequence_ GUARDED_BY(lock) = 0;          ///< the last number given to a waiter
    base::List<SemaphoreUndo, &SemaphoreUndo::in_set> undos_ GUARDED_BY(lock);
    i64 operated_s_ GUARDED_BY(lock) = 0;
};

using SemaphoreSets = IdTable<SemaphoreSet, semmni>;
extern constinit SemaphoreSets semaphore_sets;

/// The number of semaphores of all sets, for SEM_INFO.
i32 semaphore_total();

}
