// SPDX-License-Identifier: MIT
// ProcessWalk visits all processes, or all of a group, however many: a few at a time. In between tree_lock is free and interrupts
// are let in. It visits every process that existed when it began, unless that one ends first, and every child whose parent was not
// yet visited when the child was born: no fork slips through behind the walk. It does not visit children of processes that it
// had already visited.
#pragma once

#include "kernel/process/process.h"
#include "kernel/process/tree_lock.h"

namespace process {

class ProcessWalk {
public:
    /// Of a group, or of all processes (0).
    explicit ProcessWalk(Pid group = Pid()) : group_(group) {}
    ProcessWalk(ProcessWalk const&) = delete;
    /// In a thread, with no spin lock held.
    void run();
protected:
    ~ProcessWalk() = default;
    virtual void visit(Process& process) REQUIRES(tree_lock) = 0;
private:
    friend class ProcessManager;
    bool concerns(Process const& process) const REQUIRES(tree_lock) { return group_.value == 0 || process.group == group_; }
    bool has_visited(Process const& process) const REQUIRES(tree_lock) { return process.serial > started_ || process.pid().value <= position_.value; }

    Pid const group_;
    Pid position_ GUARDED_BY(tree_lock);                  ///< all up to this number have been visited
    u64 started_ GUARDED_BY(tree_lock) = 0;               ///< a process with a greater Process::serial was born after the walk began
    ProcessWalk* next_ GUARDED_BY(tree_lock) = nullptr;   ///< the next walk in progress
};

}
