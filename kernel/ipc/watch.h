// SPDX-License-Identifier: MIT
// One epoll's watch of one file, and which epolls may watch which. For epoll.cpp and nesting.cpp.
#pragma once

#include "kernel/ipc/epoll.h"

namespace ipc {

struct Watch final : ReadyEntry, fs::FileWatcher, sched::WakeObserver {
    Watch(Epoll& e, fs::File& f, Fd number, fs::Charge its_charge) : epoll(e), file(f), fd(number), charge(std::move(its_charge)) {}
    bool on_wake(sched::WakeEvents events, sched::Relay::Chain& chain) override { return epoll.on_wake(*this, events, chain); }
    void on_file_gone() override;

    Epoll& epoll;
    fs::File& file;                                  ///< exists as long as the watch
    Fd const fd;
    fs::Charge const charge;
    u64 data = 0;                                    ///< epoll.look_lock_
    base::TreeHook tree_hook;                        ///< changed under watches_lock and epoll.look_lock_
    MM_OBJECT_CACHE(Watch)
};

struct Epoll::Watches {
    base::Tree<Watch, &Watch::tree_hook, Key> all;   ///< owned
};

/// Epolls that watch epolls. watches_lock guards all of it.
struct Nesting {
    /// Whether `outer` may watch `inner`: no circle, at most five levels (ELOOP), and a bounded number of paths, since polling the
    /// outermost epoll visits them all (EINVAL). `inner` is null: another kind of file.
    static Result<> check(Epoll& outer, Epoll* inner);
    /// Whether there are too many paths up from `inner`, or from an epoll below it, so that a wake-up there would wake too many.
    static bool has_too_many_ways_up(Epoll& inner);
private:
    static u32 levels_above(Epoll& epoll, u64& paths);
    static u32 levels_below(Epoll& epoll, Epoll const* forbidden, u64& paths);
    static void count_from_outermost(Epoll& epoll, u64& paths);
};

}
