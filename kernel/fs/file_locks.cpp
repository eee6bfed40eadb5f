// SPDX-License-Identifier: MIT
// Advisory locks: ranges, conflicts, waiting. Every waiter is in one list of the whole system, with the owner it waits
// for: a circle there is a deadlock. Only ranges owned by processes count for that, as on Linux.
#include "kernel/fs/file_locks.h"

#include <algorithm>

#include "mm/frame_allocator.h"

namespace fs {

/// A waiter, on its own stack.
struct FileLocks::Wait {
    void const* owner;
    void const* blocked_by;                  ///< null: not owned by a process, or the waiter is about to look again
    FileLocks const* locks;
    Wait* next = nullptr;

    using ListLock = SpinLock<LockRank::inode_spin, PreemptOff>;
    static constinit ListLock list_lock;
    static constinit Wait* list GUARDED_BY(list_lock);

    /// False: the owner that it would wait for already waits for it, directly or through others.
    bool begin() {
        Locked guard(list_lock);
        void const* next_owner = blocked_by;
        for (int steps = 0; steps < 10 && next_owner; ++steps) {   // Linux gives up after as many steps
            if (next_owner == owner) return false;
            Wait* found = list;
            while (found && !(found->owner == next_owner && found->blocked_by)) found = found->next;
            next_owner = found ? found->blocked_by : nullptr;
        }
        next = std::exchange(list, this);
        return true;
    }
    void end() {
        Locked guard(list_lock);
        Wait** place = &list;
        while (*place != this) place = &(*place)->next;
        *place = next;
    }
    static void forget(FileLocks const* locks) {
        Locked guard(list_lock);
        for (Wait* wait = list; wait; wait = wait->next)
            if (wait->locks == locks) wait->blocked_by = nullptr;
    }
};

constinit FileLocks::Wait::ListLock FileLocks::Wait::list_lock;
constinit FileLocks::Wait* FileLocks::Wait::list = nullptr;

bool LockRange::is_in_conflict_with(LockRange const& other) const {
    if ((kind == LockKind::Flock) != (other.kind == LockKind::Flock)) return false;
    if (kind == other.kind && owner == other.owner) return false;
    if (type != LockType::Exclusive && other.type != LockType::Exclusive) return false;
    return first <= other.last && other.first <= last;
}

FileLocks::~FileLocks() {
    while (locks_) delete std::exchange(locks_, locks_->next);
}

/// One user's records may take a 256th of memory: Linux's RLIMIT_LOCKS has limited nobody since 2.6.
Result<mm::Owned<FileLocks::Record>> FileLocks::make_record(Ref<User> const& user) {
    mm::Owned<Record> record(TRY(mm::make<Record>()));
    u64 const most = mm::frame_allocator.total_bytes() / 256 / sizeof(Record);
    if (!record->charge.begin(user, Charged::FileLocks, 1, most)) return fail(ENOLCK);
    return record;
}

void FileLocks::push(Record* record, LockRange const& range) {
    record->range = range;
    record->next = std::exchange(locks_, record);
}

FileLocks::Record const* FileLocks::conflict(LockRange const& wanted) const {
    if (wanted.type == LockType::None) return nullptr;
    for (Record const* record = locks_; record; record = record->next)
        if (wanted.is_in_conflict_with(record->range)) return record;
    return nullptr;
}

/// Gives the owner `wanted` in place of what it holds there, and joins neighbours of the same type. True: it gave up some
/// range, so waiters may now succeed.
bool FileLocks::apply(LockRange wanted, mm::Owned<Record>& first, mm::Owned<Record>& second) {
    bool gives = false;
    for (Record** place = &locks_; *place;) {
        Record& record = **place;
        LockRange& range = record.range;
        bool const same = range.kind == wanted.kind && range.owner == wanted.owner;
        bool const touches = same && range.type == wanted.type && range.first <= wanted.last + 1 && wanted.first <= range.last + 1;
        bool const overlaps = same && range.first <= wanted.last && wanted.first <= range.last;
        if (touches) {
            wanted.first = std::min(wanted.first, range.first);
            wanted.last = std::max(wanted.last, range.last);
        } else if (overlaps) {
            gives = true;
            bool const before = range.first < wanted.first, behind = range.last > wanted.last;
            if (before && behind) {
                LockRange rest = range;
                rest.first = wanted.last + 1;
                range.last = wanted.first - 1;
                push(second.leak(), rest);
                break;                                   // no other lock of this owner overlaps
            }
            if (before) range.last = wanted.first - 1;
            if (behind) range.first = wanted.last + 1;
        }
        if (touches || (overlaps && range.first >= wanted.first && range.last <= wanted.last)) {
            *place = record.next;
            delete &record;
        } else {
            place = &record.next;
        }
    }
    if (wanted.type != LockType::None) push(first.leak(), wanted);
    return gives;
}

/// Some lock was given up: wakes all waiters to look again.
void FileLocks::announce() {
    changes_.fetch_add(1, std::memory_order_acq_rel);
    Wait::forget(this);
    queue_.wake_all();
}

/// flock(2): "converting a lock is not guaranteed to be atomic": the old one is dropped first. True: it is held as wanted already.
bool FileLocks::drop_flock(LockRange const& wanted) {
    {
        Locked guard(lock_);
        for (Record* record = locks_; record; record = record->next)
            if (record->range.kind == LockKind::Flock && record->range.owner == wanted.owner && record->range.type == wanted.type) return true;
    }
    drop(LockKind::Flock, wanted.owner);
    return false;
}

Result<> FileLocks::set(LockRange const& wanted, bool wait, Ref<User> const& user) {
    if (wanted.kind == LockKind::Flock && drop_flock(wanted)) return {};
    auto first = TRY(make_record(user)), second = TRY(make_record(user));
    Result<> result;
    for (bool done = false; !done;) {
        Wait self{wanted.owner, nullptr, this};
        u32 seen = 0;
        bool gives = false;
        {
            Locked guard(lock_);
            auto const* const obstacle = conflict(wanted);
            seen = changes_.load(std::memory_order_acquire);
            if (!obstacle) {
                gives = apply(wanted, first, second);
                done = true;
            } else if (!wait) {
                result = fail(EAGAIN);
                done = true;
            } else {
                bool const counts = wanted.kind == LockKind::Process && obstacle->range.kind == LockKind::Process;
                self.blocked_by = counts ? obstacle->range.owner : nullptr;
                if (!self.begin()) {
                    result = fail(EDEADLK);
                    done = true;
                }
            }
        }
        if (gives) announce();
        if (done) break;
        auto const slept = queue_.wait([&] { return changes_.load(std::memory_order_acquire) != seen; });
        self.end();
        if (!slept) {
            result = fail(slept.error());
            done = true;
        }
    }
    return result;
}

LockRange FileLocks::find_conflict(LockRange const& wanted) {
    Locked guard(lock_);
    LockRange found;
    for (Record const* record = locks_; record; record = record->next)
        if (wanted.is_in_conflict_with(record->range) && (found.type == LockType::None || record->range.first < found.first)) found = record->range;
    return found;
}

void FileLocks::drop(LockKind kind, void const* owner) {
    bool gives = false;
    {
        Locked guard(lock_);
        for (Record** place = &locks_; *place;) {
            Record* const record = *place;
            if (record->range.kind != kind || record->range.owner != owner) {
                place = &record->next;
                continue;
            }
            *place = record->next;
            delete record;
            gives = true;
        }
    }
    if (gives) announce();
}

}
