// SPDX-License-Identifier: MIT
// epoll(7): a file that watches others and tells which have become ready.
// Locks: watches_lock (sleeping, one for all) guards which epoll watches which file; an epoll's own lock (spin, rank epoll,
// above wait_queue) its watches' wishes and the ready list. A watch does not keep its file: File::destroy() ends it.
#pragma once

#include <linux/eventpoll.h>

#include "kernel/fs/file.h"
#include "kernel/fs/user.h"
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

    /// EEXIST EPERM ELOOP EINVAL (too many ways through epolls) ENOSPC ENOMEM.
    Result<> add(Fd fd, fs::File& file, epoll_event const& event);
    Result<> change(Fd fd, fs::File& file, epoll_event const& event);    ///< ENOENT
    Result<> remove(Fd fd, fs::File& file);                              ///< ENOENT
    /// How many events were written; 0 at the deadline. EINTR EFAULT.
    Result<u32> wait(mm::UserPtr<epoll_event> out, u32 most, u64 deadline_ns);

    bool is_seekable() const override { return false; }
    fs::PollEvents poll(sched::WaitQueue*& queue_out) override;
    MM_OBJECT_CACHE(Epoll)

private:
    friend struct Watch;
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
    static inline char const kind_mark = 0;

    Result<> prepare();
    void make_wakes() override;
    Ref<Watch> find(Fd fd, fs::File& file);
    void end(Watch& watch);
    bool put_ready(Watch& watch);
    void mark(Watch& watch);
    void mark_if_ready(Watch& watch, fs::File& file);
    Ref<Watch> next_ready(u32& budget, Ref<fs::File>& file);
    Result<u32> gather(mm::UserPtr<epoll_event> out, u32 most);
    bool settle(Watch& watch);
    static u32 levels_above(Epoll& epoll, u64& paths);
    static u32 levels_below(Epoll& epoll, Epoll const* forbidden, u64& paths);
    static void count_from_outermost(Epoll& epoll, u64& paths);
    Result<> check_nesting(Epoll* inner);
    Result<Ref<Watch>> insert(Fd fd, fs::File& file, sched::WaitQueue& queue, epoll_event const& event);
    static void on_file_gone(fs::File& file);
    friend Result<> register_epoll();
    friend Result<Ref<fs::File>> make_epoll(fs::Credentials const& who);

    static u64 default_most_watches();

    Ref<fs::User> const user_;                       ///< answers for its watches
    Lock lock_;
    Watches* watches_ = nullptr;                     ///< see epoll.cpp
    std::atomic<u32> ready_{0};                      ///< length of the ready list; written under lock_
    sched::WaitQueue sleepers_, pollers_;
};

/// Of one user: /proc/sys/fs/epoll/max_user_watches. Ordering: relaxed, a number alone.
extern constinit std::atomic<u64> most_watches;

Result<Ref<fs::File>> make_epoll(fs::Credentials const& who);
/// Lets files tell when they go. Called once at boot.
Result<> register_epoll();

}
