// SPDX-License-Identifier: MIT
// Advisory locks on one inode: flock(2), and the ranges of fcntl(2), owned by a process (its descriptor table) or by an
// open file description. Made when the file is first locked, destroyed with the inode.
#pragma once

#include "kernel/fs/user.h"
#include "kernel/sync/mutex.h"
#include "mm/heap.h"

namespace fs {

enum class LockKind : u8 { Flock, Process, Description };
enum class LockType : u8 { Shared, Exclusive, None };

/// A lock, held or requested. Two that overlap are in conflict if the owners differ, at least one is exclusive, and both or
/// neither are flock's.
struct LockRange {
    static constexpr u64 end_of_file = ~u64{0} >> 1;
    LockKind kind = LockKind::Flock;
    LockType type = LockType::None;
    void const* owner = nullptr;             ///< compared only
    u64 first = 0, last = end_of_file;       ///< bytes, both inclusive
    Pid pid;                                 ///< of the process that set it, for F_GETLK
    bool is_in_conflict_with(LockRange const& other) const;
};

class FileLocks {
public:
    FileLocks() = default;
    FileLocks(FileLocks const&) = delete;
    ~FileLocks();

    /// Takes, changes or gives up (`type` None) a range. EAGAIN, or with `wait` EINTR EDEADLK; ENOLCK ENOMEM.
    /// `user` is charged for the records.
    Result<> set(LockRange const& wanted, bool wait, Ref<User> const& user);
    /// The first lock that is in conflict with `wanted`; its type is None if there is none.
    LockRange find_conflict(LockRange const& wanted);
    /// Gives up all locks of an owner. Cannot fail.
    void drop(LockKind kind, void const* owner);
private:
    struct Record { LockRange range; Charge charge; Record* next = nullptr; };
    struct Wait;
    using Lock = sync::Mutex<LockRank::sleeping_leaf>;

    Record const* conflict(LockRange const& wanted) const REQUIRES(lock_);
    bool apply(LockRange wanted, mm::Owned<Record>& first, mm::Owned<Record>& second) REQUIRES(lock_);
    bool drop_flock(LockRange const& wanted);
    static Result<mm::Owned<Record>> make_record(Ref<User> const& user);
    void push(Record* record, LockRange const& range) REQUIRES(lock_);
    void announce();

    Lock lock_;
    Record* locks_ GUARDED_BY(lock_) = nullptr;
    std::atomic<u32> changes_{0};            ///< counts locks given up; waiters watch it
    sched::WaitQueue queue_;
};

}
