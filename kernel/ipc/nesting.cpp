// SPDX-License-Identifier: MIT
// Epolls that watch epolls: bounds the depth and the number of paths, so that neither a poll of an outer epoll nor a wake-up of an
// inner one takes long. Every search stops at most_paths.
#include <algorithm>

#include "kernel/ipc/watch.h"

namespace ipc {
namespace {

constexpr u32 most_levels = 5;                       // epoll_ctl(2), ELOOP
constexpr u64 most_paths = 1u << 18;                 // from one outermost epoll to files: bounds the cost of polling it
constexpr u64 most_ways_up = 512;                    // from one epoll: bounds a wake-up, which cannot be preempted

}

/// The number of epolls in the longest chain of watchers that ends at `epoll`; `paths` grows by the paths to it.
u32 Nesting::levels_above(Epoll& epoll, u64& paths) {
    u32 most = 0;
    for (auto& watcher : epoll.watchers) {
        if (++paths > most_paths) return most_levels;
        most = std::max(most, levels_above(static_cast<Watch&>(watcher).epoll, paths));
    }
    return most + 1;
}

/// The same downwards; most_levels if it meets `forbidden`.
u32 Nesting::levels_below(Epoll& epoll, Epoll const* forbidden, u64& paths) {
    if (&epoll == forbidden) return most_levels;
    u32 most = 0;
    for (auto& watch : epoll.watches_->all) {
        if (++paths > most_paths) return most_levels;
        if (auto* const inner = Epoll::from(watch.file)) most = std::max(most, levels_below(*inner, forbidden, paths));
    }
    return most + 1;
}

/// Adds up the paths down from every outermost epoll above `epoll`.
void Nesting::count_from_outermost(Epoll& epoll, u64& paths) {
    if (epoll.watchers.empty()) return void(levels_below(epoll, nullptr, paths));
    for (auto& watcher : epoll.watchers) {
        if (++paths > most_paths) return;
        count_from_outermost(static_cast<Watch&>(watcher).epoll, paths);
    }
}

Result<> Nesting::check(Epoll& outer, Epoll* inner) {
    if (!inner && outer.watchers.empty()) return {};
    u64 above = 0, below = 0, all = 0;
    u32 const levels = levels_above(outer, above) + (inner ? levels_below(*inner, &outer, below) : 0);
    if (above > most_paths || below > most_paths) return fail(EINVAL);
    if (levels > most_levels) return fail(ELOOP);
    count_from_outermost(outer, all);
    if (all + (above + 1) * (below + 1) > most_paths) return fail(EINVAL);
    return {};
}

bool Nesting::has_too_many_ways_up(Epoll& inner) {
    u64 ways = most_paths - most_ways_up;            // so that the count ends there
    levels_above(inner, ways);
    if (ways > most_paths) return true;
    return std::ranges::any_of(inner.watches_->all, [](Watch& watch) {
        Epoll* const below = Epoll::from(watch.file);
        return below && has_too_many_ways_up(*below);
    });
}

}
