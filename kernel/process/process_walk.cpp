// SPDX-License-Identifier: MIT
// Walks through all processes in order of their numbers. `position_` only grows, and each step holds tree_lock for a bounded time.
#include "kernel/process/process_walk.h"

#include <algorithm>

#include "kernel/process/process_manager.h"

namespace process {
namespace {

/// The most visits, and the most numbers tried, in one hold of tree_lock (interrupts are off).
constexpr u32 most_visits = 16;
constexpr i32 most_numbers = 256;

}

void ProcessWalk::run() {
    process_manager.begin_walk(*this);
    while (process_manager.walk_on(*this)) {}
}

void ProcessManager::begin_walk(ProcessWalk& walk) {
    Locked guard(tree_lock);
    walk.started_ = forks_.load(std::memory_order_relaxed);
    walk.next_ = std::exchange(walks_, &walk);
}

bool ProcessManager::walk_on(ProcessWalk& walk) {
    Locked guard(tree_lock);
    i32 const end = std::min(walk.position_.value + 1 + most_numbers, PidTable::pid_max);
    for (u32 visits = 0; visits < most_visits && walk.position_.value + 1 < end;) {
        PidEntry* const entry = pids_.next_of(walk.position_, end, PidKind::Process);
        walk.position_ = entry ? entry->entry_id : Pid(end - 1);
        if (!entry) break;
        auto& process = static_cast<Process&>(*entry);
        if (process.serial > walk.started_ || !walk.concerns(process)) continue;
        walk.visit(process);
        ++visits;
    }
    if (walk.position_.value + 1 < PidTable::pid_max) return true;
    ProcessWalk** link = &walks_;
    while (*link != &walk) link = &(*link)->next_;
    *link = walk.next_;
    return false;
}

void ProcessManager::tell_walks_of_birth(Process& child, Process const& maker) {
    for (ProcessWalk* walk = walks_; walk; walk = walk->next_)
        if (walk->concerns(child) && !walk->has_visited(maker)) walk->visit(child);
}

}
