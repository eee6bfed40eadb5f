// SPDX-License-Identifier: MIT
// epoll(7): a file that watches others and reports which have become ready.
// Locks: watches_lock (sleeping, one for all epolls) guards which epoll watches which file. An epoll's look_lock_ (sleeping) is
// held to look at its ready files, to change a watch, and to add or remove one. Its lock_ (spin, rank epoll, above
// wait_queue) guards the ready list, which wake-ups change too. A watch holds no reference to its file: File::destroy() ends the
// watch, and for that waits for look_lock_, so a file that is polled under it exists. An outer epoll's look_lock_ is taken before an
// inner's.
#pragma once

#include "kernel/fs/file.h"
#include "kernel/fs/user.h"
#include "kernel/ipc/ready_list.h"
#include "sched/wait_queue.h"

namespace ipc {

struct Watch;

class Epoll final : public fs::File, private sched::Relay {
public:
    Epoll(Ref<fs::Dentry> dentry, Ref<fs::User> user);
    ~Epoll() override;
    /// Null: another kind of file.
    static Epoll* from(fs::File& file) { return file.kind() == &kind_mark ? static_cast<Epoll*>(&file) : nullptr; }
    void const* kind() const override { return &kind_mark; }

    /// EEXIST EPERM ELOOP EINVAL (too many paths through epolls, EPOLLEXCLUSIVE with events that exclude it) ENOSPC ENOMEM.
    Result<> add(Fd fd, fs::File& file, epoll_event const& event);
    Result<> change(Fd fd, fs::File& file, epoll_event const& event);    ///< ENOENT EINVAL (EPOLLEXCLUSIVE)
    Result<> remove(Fd fd, fs::File& file);                              ///< ENOENT
    /// Returns the number of events written; 0 at the deadline. EINTR EFAULT.
    Result<u32> wait(mm::UserPtr<epoll_event> out, u32 most, u64 deadline_ns);

    bool is_seekable() const override { return false; }
    Result<> can_be_read() const override { return fail(EINVAL); }
    Result<> can_be_written() const override { return fail(EINVAL); }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    MM_OBJECT_CACHE(Epoll)

private:
    friend struct Watch;
    friend struct Nesting;
    struct Key {
        struct type {
            i32 fd;
            fs::File const* file;
            auto operator<=>(type const&) const = default;
        };
        type operator()(Watch const& watch) const;
    };
    struct Watches;
    using Lock = SpinLock<LockRank::epoll, InterruptsOff>;
    using LookLock = sync::Mutex<LockRank::epoll_look>;
    static inline char const kind_mark = 0;

    Result<> prepare();
    void make_wakes(Chain& chain) override;
    bool on_wake(Watch& watch, sched::WakeEvents events, Chain& chain);
    Watch* find(Fd fd, fs::File& file) REQUIRES(look_lock_);
    void end(Watch& watch) REQUIRES(look_lock_);
    void look_at(Watch& watch) REQUIRES(look_lock_);
    Watch* take() REQUIRES(look_lock_);
    void settle(Watch& watch, ReadyList::Answer answer) REQUIRES(look_lock_);
    Result<u32> tell(mm::UserPtr<epoll_event> out, u32 most) REQUIRES(look_lock_);
    Result<u32> gather(mm::UserPtr<epoll_event> out, u32 most);
    Result<Watch*> insert(Fd fd, fs::File& file, epoll_event const& event) REQUIRES(look_lock_);
    static void on_file_gone(fs::File& file);
    friend Result<> register_epoll();
    friend Result<Ref<fs::File>> make_epoll(fs::Credentials const& who);

    static u64 default_most_watches();

    Ref<fs::User> const user_;                       ///< charged for its watches
    LookLock look_lock_;
    Watches* watches_ = nullptr;                     ///< see epoll.cpp; changed under watches_lock and look_lock_
    Lock lock_;
    ReadyList ready_;                                ///< under lock_
    sched::WaitQueue sleepers_, pollers_;
};

/// The most watches of one user: /proc/sys/fs/epoll/max_user_watches. Ordering: relaxed; it is only a number.
extern constinit std::atomic<u64> most_watches;

Result<Ref<fs::File>> make_epoll(fs::Credentials const& who);
/// Lets files report their end. Called once at boot.
Result<> register_epoll();

}
